/**
 * One HTTP/2 stream of a server, a pushed one as well. Its native handle counts DATA, whichever way an app sends it (streams,
 * compatibility API, files); the counts are read when the stream ends.
 */

import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Exchange } from "./exchange.ts";
import type { FrameworkRoute, RouteMetadata } from "./route-metadata.ts";

const VERSION = "2";
const NO_ERROR = 0;
const HANDLE = "kHandle";
const STATE = "state";

/** The native side of a stream. */
interface StreamHandle {
  readonly bytesRead?: number;
  /** What the stream was given to send. */
  readonly bytesWritten?: number;
}

/** What Node keeps of a stream under a symbol. */
interface StreamState {
  /** Bytes of writes that are not done. */
  readonly writeQueueSize?: number;
}

/** The stream with what Node does not show. */
type Stream = ServerHttp2Stream & {
  readonly sentHeaders?: { readonly ":status"?: number };
  readonly [hidden: symbol]: unknown;
  _destroy(error: Error | null, callback: (error?: Error | null) => void): void;
};

/** Follows a stream to its end. */
export class Http2Exchange implements Exchange {
  readonly connection: Exchange["connection"];
  readonly request: Exchange["request"];
  requestBodyBytes: number = 0;
  responseBodyBytes: number = 0;
  /** Headers are compressed with what went before them: whole messages have no size of their own. */
  readonly receivedBytes: number = 0;
  readonly transmittedBytes: number = 0;
  aborted: boolean = false;
  headSent: boolean = false;
  route: string | undefined = undefined;
  routeMetadata: RouteMetadata | undefined = undefined;
  frameworkRoute: FrameworkRoute | undefined = undefined;
  readonly #stream: Stream;

  /** Follows `stream`, which the request `headers` have just opened; `settle` gets the exchange once. */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, settle: (exchange: Http2Exchange) => void) {
    this.#stream = stream as Stream;
    const encrypted = stream.session?.encrypted === true;
    this.connection = { scheme: encrypted ? "https" : "http" };
    this.request = { method: headers[":method"], httpVersion: VERSION };
    const destroy = this.#stream._destroy;
    // The last moment at which the handle is there.
    this.#stream._destroy = (error, callback) => {
      settle(this);
      destroy.call(stream, error, callback);
    };
  }

  /** The status that was sent. */
  get response(): Exchange["response"] {
    return { statusCode: this.#stream.sentHeaders?.[":status"] ?? 0 };
  }

  /**
   * Takes the final counts. Of a stream that was cut, the writes that were done are counted: what of the next one had left only
   * the native side knows.
   */
  end(): void {
    const stream = this.#stream;
    const handle = hidden(stream, HANDLE) as StreamHandle | undefined;
    const unfinished = (hidden(stream, STATE) as StreamState | undefined)?.writeQueueSize ?? 0;
    this.aborted = stream.aborted || !stream.writableEnded || (stream.rstCode ?? NO_ERROR) !== NO_ERROR;
    this.headSent = stream.headersSent;
    this.requestBodyBytes = handle?.bytesRead ?? 0;
    const written = handle?.bytesWritten ?? 0;
    this.responseBodyBytes = this.aborted ? Math.max(0, written - unfinished) : written;
  }
}

function hidden(stream: Stream, name: string): unknown {
  const symbol = Object.getOwnPropertySymbols(stream).find(({ description }) => description === name);
  return symbol === undefined ? undefined : stream[symbol];
}
