/**
 * A parser of HTTP/1 messages of its own, for what was on the wire: the truth the counts are compared with. Shares no code
 * with the counter and none with Node's parser.
 */

/** One message as it was on the wire. */
export interface WireMessage {
  /** Everything, informational responses before it included. */
  readonly totalBytes: number;
  readonly bodyBytes: number;
  readonly body: Buffer;
  /** What `Content-Length` says; undefined without one. */
  readonly declaredBytes: number | undefined;
  /** False when the connection ended inside it. */
  readonly complete: boolean;
}

export interface WireResponse extends WireMessage {
  readonly status: number;
}

export interface WireRequest extends WireMessage {
  readonly method: string;
}

/** Parses final responses from the start of `data`, one for each method, as far as the bytes go. */
export function parseResponses(data: Buffer, methods: readonly string[]): WireResponse[] {
  const responses: WireResponse[] = [];
  let at = 0;
  for (const method of methods) {
    const start = at;
    for (;;) {
      const headEnd = data.indexOf("\r\n\r\n", at);
      if (headEnd === -1) return responses;
      const head = data.subarray(at, headEnd).toString("latin1");
      at = headEnd + 4;
      const status = Number(head.slice(9, 12));
      if (status < 200) continue;
      const body = parseResponseBody(data.subarray(at), head, method, status);
      at += body.wireBytes;
      responses.push({ status, ...message(head, body, at - start) });
      break;
    }
  }
  return responses;
}

const REQUEST_LINE = /^([!-~]+) [^ \r\n]+ HTTP\/1\.[01](\r\n|$)/;

/**
 * Parses requests from the start of `data`, up to the first that is incomplete in its head, is none, or leaves HTTP (CONNECT,
 * and `Upgrade` unless the server is known to stay with HTTP).
 */
export function parseRequests(data: Buffer, serverUpgrades: boolean): WireRequest[] {
  const requests: WireRequest[] = [];
  let at = 0;
  while (at < data.length) {
    const start = at;
    while (data.subarray(at, at + 2).toString("latin1") === "\r\n") at += 2;
    const headEnd = data.indexOf("\r\n\r\n", at);
    if (headEnd === -1) return requests;
    const head = data.subarray(at, headEnd).toString("latin1");
    const method = REQUEST_LINE.exec(head)?.[1];
    if (method === undefined || method === "CONNECT" || (serverUpgrades && /^upgrade:/im.test(head))) return requests;
    at = headEnd + 4;
    const rest = data.subarray(at);
    const body = isChunked(head) ? parseChunks(rest) : parseLength(rest, contentLength(head) ?? 0);
    at += body.wireBytes;
    requests.push({ method, ...message(head, body, at - start) });
  }
  return requests;
}

interface WireBody {
  readonly body: Buffer;
  readonly wireBytes: number;
  readonly complete: boolean;
}

function message(head: string, { body, complete }: WireBody, totalBytes: number): WireMessage {
  return { totalBytes, bodyBytes: body.length, body, declaredBytes: contentLength(head), complete };
}

function contentLength(head: string): number | undefined {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  return length === undefined ? undefined : Number(length);
}

function isChunked(head: string): boolean {
  return /^transfer-encoding: *chunked/im.test(head);
}

function parseResponseBody(rest: Buffer, head: string, method: string, status: number): WireBody {
  if (method === "HEAD" || status === 204 || status === 304)
    return { body: Buffer.alloc(0), wireBytes: 0, complete: true };
  if (isChunked(head)) return parseChunks(rest);
  const length = contentLength(head);
  return length === undefined ? { body: rest, wireBytes: rest.length, complete: true } : parseLength(rest, length);
}

function parseLength(rest: Buffer, length: number): WireBody {
  const body = rest.subarray(0, length);
  return { body, wireBytes: body.length, complete: body.length === length };
}

function parseChunks(rest: Buffer): WireBody {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd === -1) return { body: Buffer.concat(chunks), wireBytes: rest.length, complete: false };
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString("latin1"), 16);
    at = lineEnd + 2;
    if (size === 0) break;
    chunks.push(rest.subarray(at, at + size));
    if (rest.length < at + size + 2) return { body: Buffer.concat(chunks), wireBytes: rest.length, complete: false };
    at += size + 2;
  }
  // Trailers, up to an empty line.
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd === -1) return { body: Buffer.concat(chunks), wireBytes: rest.length, complete: false };
    const empty = lineEnd === at;
    at = lineEnd + 2;
    if (empty) return { body: Buffer.concat(chunks), wireBytes: at, complete: true };
  }
}
