/**
 * Scenarios of HTTP clients: a server that keeps every byte, and the metrics of the client's process.
 */

import { HttpSizeInstrumentation } from "../../../src/http/index.ts";
import { MetricBench } from "../support/metric-bench.ts";
import { parseResponses } from "../support/wire-messages.ts";
import { bodiesByRoute } from "./counted-bodies.ts";
import { type RawConnection, RawServer, type Respond } from "./raw-server.ts";
import type { Bodies, Bound, Outcome, Scenario } from "./scenario.ts";

/** What a client is given. */
export interface ServerSide {
  /** Of the server, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly server: RawServer;
}

/** A client scenario. */
export interface ClientScenario {
  readonly name: string;
  /** Give different statuses to the exchanges of one scenario: it is by them that they are told apart. */
  readonly respond?: Respond;
  /** Instead of `respond`. */
  readonly onConnection?: (connection: RawConnection) => void;
  /** Makes the requests and waits for their ends. */
  readonly call: (side: ServerSide) => Promise<void>;
  readonly tls?: boolean;
  /** How many calls are recorded, when that is not the number of requests on the wire. */
  readonly recorded?: number;
  readonly bound?: Bound;
  readonly supported?: boolean;
}

/** Makes scenarios of `group`. */
export function clientScenarios(group: string, list: readonly ClientScenario[]): Scenario[] {
  return list.map((scenario) => ({
    group,
    name: scenario.name,
    bound: scenario.bound,
    supported: scenario.supported !== false,
    run: () => run(scenario),
  }));
}

async function run(scenario: ClientScenario): Promise<Outcome> {
  const server = new RawServer(scenario.respond ?? (() => {}), scenario.tls === true, scenario.onConnection);
  const port = await server.listen();
  const metrics = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
  try {
    await scenario.call({ url: `${scenario.tls === true ? "https" : "http"}://127.0.0.1:${port}`, port, server });
    const exchanges = server.connections.flatMap((connection) => {
      const requests = connection.requests();
      const methods = requests.map(({ method }) => method);
      const responses = parseResponses(connection.sent(), methods);
      return requests.map((request, index) => ({ request, response: responses[index] }));
    });
    const status = ({ response }: (typeof exchanges)[number]): number => response?.status ?? Number.MAX_SAFE_INTEGER;
    const ordered = exchanges.toSorted((a, b) => status(a) - status(b));
    const bodies = ordered.map(({ request, response }): Bodies => ({
      request: request.bodyBytes,
      response: response?.bodyBytes ?? 0,
    }));
    const recorded = scenario.recorded ?? bodies.length;
    while (bodies.length < recorded) bodies.push({ request: 0, response: 0 });
    if (recorded > 0)
      await metrics.until(
        "http.client.response.body.size",
        (readings) => readings.reduce((sum, { count }) => sum + count, 0) >= recorded,
      );
    return {
      truth: { bodies: bodies.slice(0, recorded) },
      counted: { bodies: await bodiesByRoute(metrics, "client") },
      guessed: {
        request: exchanges.reduce((sum, { request }) => sum + (request.declaredBytes ?? 0), 0),
        response: exchanges.reduce((sum, { response }) => sum + (response?.declaredBytes ?? 0), 0),
      },
      faults: instrumentation.faultCount,
    };
  } finally {
    instrumentation.disable();
    await server.close();
  }
}

/** A response with a length. */
export function respondWith(body: string | Buffer, status = 200, headers = ""): Buffer {
  const head = `HTTP/1.1 ${status} Some\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]);
}

/** A chunked response. */
export function respondInChunks(chunks: readonly (string | Buffer)[], status = 200, headers = ""): Buffer {
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${Buffer.byteLength(chunk).toString(16)}\r\n`),
    Buffer.from(chunk),
    Buffer.from("\r\n"),
  ]);
  const head = Buffer.from(`HTTP/1.1 ${status} Some\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`);
  return Buffer.concat([head, ...framed, Buffer.from("0\r\n\r\n")]);
}
