/**
 * Scenarios of HTTP/2 servers: the client's connection passes through our hands, and its frames are read by our own reader.
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { HttpSizeInstrumentation, setHttpRoute } from "../../../src/http/index.ts";
import { MetricBench } from "../support/metric-bench.ts";
import { Wire } from "../support/raw-client.ts";
import { bodiesByRoute } from "./counted-bodies.ts";
import { bodiesByStream } from "./http2-frames.ts";
import type { Bodies, Bound, Io, Outcome, Scenario } from "./scenario.ts";
import { clientTls, serverTls } from "./tls-options.ts";

/** Whether this Node publishes streams: 22.15 does not. */
export const PUBLISHES_STREAMS: boolean = publishesStreams();

function publishesStreams(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 22 || minor > 15;
}

/** What a scenario's client can do. */
export interface Http2Side {
  readonly session: ClientHttp2Session;
  readonly server: Http2Server | Http2SecureServer;
  /** The server's sessions. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly socket: Socket;
  /** Sends a request and reads the response to its end, however it comes; gives the headers of the response. */
  whole(headers?: OutgoingHttpHeaders, body?: string | Buffer): Promise<IncomingHttpHeaders>;
}

/** An HTTP/2 scenario. */
export interface Http2Scenario {
  readonly name: string;
  readonly stream?: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
  /** Listeners beyond `stream`, such as those of the compatibility API. */
  readonly prepare?: (server: Http2Server | Http2SecureServer) => void;
  readonly options?: ServerOptions;
  readonly call: (side: Http2Side) => Promise<void>;
  readonly bound?: Bound;
}

/** Makes each scenario twice: in clear (h2c) and over TLS (h2). */
export function http2Scenarios(list: readonly Http2Scenario[]): Scenario[] {
  return [false, true].flatMap((secure) =>
    list.map((scenario) => ({
      group: secure ? "h2" : "h2c",
      name: scenario.name,
      bound: scenario.bound,
      run: () => run(scenario, secure),
    })),
  );
}

async function run(scenario: Http2Scenario, secure: boolean): Promise<Outcome> {
  const metrics = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
  const options = scenario.options ?? {};
  const server = secure ? createSecureServer({ ...options, ...serverTls() }) : createServer(options);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("sessionError", () => {});
  scenario.prepare?.(server);
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    setHttpRoute(stream, `/${stream.id ?? 0}`);
    scenario.stream?.(stream, headers);
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const tcp = await Wire.open(port);
    const wire: Wire = secure ? new Wire(connectTls({ ...clientTls(), socket: tcp, ALPNProtocols: ["h2"] })) : tcp;
    const session = connect(`${secure ? "https" : "http"}://127.0.0.1:${port}`, { createConnection: () => wire });
    session.on("error", () => {});
    const guessed = { request: 0, response: 0 };
    await scenario.call({
      session,
      server,
      sessions,
      socket: tcp.socket,
      whole: (headers, body) => whole(session, guessed, headers, body),
    });
    tcp.leave();
    if (!tcp.socket.closed) await new Promise<void>((resolve) => tcp.socket.once("close", () => resolve()));
    await closeServer(server, sessions);
    const bodies = bodiesOnWire(wire);
    if (PUBLISHES_STREAMS && bodies.length > 0) await metrics.settled(bodies.length);
    const io = async (name: string): Promise<Io> => ({
      received: await metrics.total(name, "receive"),
      transmitted: await metrics.total(name, "transmit"),
    });
    return {
      truth: {
        bodies: PUBLISHES_STREAMS ? bodies : [],
        messages: { received: 0, transmitted: 0 },
        connection: { received: tcp.sentBytes, transmitted: tcp.receivedBytes },
      },
      counted: {
        bodies: await bodiesByRoute(metrics, "server"),
        messages: await io("bandwidth.http.server.io"),
        connection: await io("bandwidth.http.server.connection.io"),
      },
      guessed,
      faults: instrumentation.faultCount,
    };
  } finally {
    await closeServer(server, sessions);
    instrumentation.disable();
  }
}

/** Requests in the order of their streams, then what was pushed. */
function bodiesOnWire(wire: Wire): Bodies[] {
  const requests = bodiesByStream(Buffer.concat(wire.sent));
  const responses = bodiesByStream(Buffer.concat(wire.received));
  const isPushed = (id: number): number => (id % 2 === 0 ? 1 : 0);
  const streams = [...new Set([...requests.keys(), ...responses.keys()])];
  return streams
    .toSorted((a, b) => isPushed(a) - isPushed(b) || a - b)
    .map((id) => ({ request: requests.get(id) ?? 0, response: responses.get(id) ?? 0 }));
}

async function whole(
  session: ClientHttp2Session,
  guessed: { request: number; response: number },
  headers: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<IncomingHttpHeaders> {
  const stream = session.request({ ":path": "/", ":method": body === undefined ? "GET" : "POST", ...headers });
  guessed.request += Number(headers["content-length"] ?? 0);
  let answer: IncomingHttpHeaders = {};
  stream.on("response", (responseHeaders) => {
    answer = responseHeaders;
    guessed.response += Number(responseHeaders["content-length"] ?? 0);
  });
  stream.on("error", () => {}).resume();
  stream.end(body);
  await streamEnd(stream);
  return answer;
}

/** Resolves when a stream is closed, however. */
export async function streamEnd(stream: ClientHttp2Stream): Promise<void> {
  stream.on("error", () => {});
  if (!stream.closed || !stream.destroyed) await new Promise<void>((resolve) => stream.once("close", () => resolve()));
}

async function closeServer(
  server: Http2Server | Http2SecureServer,
  sessions: ReadonlySet<ServerHttp2Session>,
): Promise<void> {
  for (const session of sessions) if (!session.destroyed) session.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
