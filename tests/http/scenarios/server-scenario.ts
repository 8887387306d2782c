/**
 * Scenarios of HTTP/1 servers: a real server, a client that keeps every byte, and the metrics of the server's process.
 */

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { HttpSizeInstrumentation, setHttpRoute } from "../../../src/http/index.ts";
import { close, listen } from "../support/counted-server.ts";
import { MetricBench } from "../support/metric-bench.ts";
import { RawClient } from "../support/raw-client.ts";
import { parseRequests, parseResponses, type WireMessage } from "../support/wire-messages.ts";
import { bodiesByRoute, REQUEST_EVENTS } from "./counted-bodies.ts";
import type { Bodies, Bound, Io, Outcome, Scenario } from "./scenario.ts";
import { clientTls, serverTls } from "./tls-options.ts";

/** What a scenario's client can do. */
export interface ClientSide {
  readonly port: number;
  readonly server: Server;
  open(): Promise<RawClient>;
}

/** An HTTP/1 scenario. */
export interface ServerScenario {
  readonly name: string;
  readonly handler?: RequestListener;
  readonly options?: ServerOptions;
  /** Listeners and settings beyond the handler. */
  readonly prepare?: (server: Server) => void;
  /** What the client sends, each part when the responses to those before are whole; then it closes. */
  readonly send?: readonly (string | Buffer)[];
  /** Instead of `send`. */
  readonly client?: (side: ClientSide) => Promise<void>;
  /**
   * Of the messages: `all` bytes in clear on the connection (the default), or only those of whole `exchanges`, because some of
   * what was on the connection never became a request (upgrades, CONNECT, what the parser refused).
   */
  readonly messages?: "all" | "exchanges";
  /** Whether the server answers `Upgrade` requests. */
  readonly upgrades?: boolean;
  /** Whether the parser refuses a request that looks good to us. */
  readonly refused?: boolean;
  /** Whether the client speaks without TLS to a server with it. */
  readonly clear?: boolean;
  readonly bound?: Bound;
}

/** Makes scenarios of `group` in clear. */
export function serverScenarios(group: string, list: readonly ServerScenario[]): Scenario[] {
  return list.map((scenario) => ({
    group,
    name: scenario.name,
    bound: scenario.bound,
    run: () => run(scenario, createServer(scenario.options ?? {}), (port) => RawClient.open(port)),
  }));
}

/** Makes scenarios of `group` over TLS. */
export function tlsServerScenarios(group: string, list: readonly ServerScenario[]): Scenario[] {
  return list.map((scenario) => ({
    group,
    name: scenario.name,
    bound: scenario.bound,
    run: () =>
      run(scenario, createSecureServer({ ...scenario.options, ...serverTls() }), (port) =>
        scenario.clear === true ? RawClient.open(port) : RawClient.openTls(port, clientTls()),
      ),
  }));
}

async function run(
  scenario: ServerScenario,
  server: Server,
  connect: (port: number) => Promise<RawClient>,
): Promise<Outcome> {
  const metrics = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
  try {
    scenario.prepare?.(server);
    if (scenario.handler !== undefined) server.on("request", scenario.handler);
    nameRequests(server);
    const port = await listen(server);
    const clients: RawClient[] = [];
    const open = async (): Promise<RawClient> => {
      const client = await connect(port);
      clients.push(client);
      return client;
    };
    if (scenario.client === undefined) await sendAll(scenario, await open());
    else await scenario.client({ port, server, open });
    await Promise.all(clients.map((client) => client.closed()));
    await close(server);
    return await outcome(scenario, clients, metrics, instrumentation);
  } finally {
    await close(server);
    instrumentation.disable();
  }
}

/** Numbers the requests by their route, so that each body can be told from the others. */
function nameRequests(server: Server): void {
  let count = 0;
  const name = (request: IncomingMessage): void => setHttpRoute(request, `/${count++}`);
  for (const event of REQUEST_EVENTS) {
    if (event === "request" || server.listenerCount(event) > 0) server.prependListener(event, name);
  }
}

async function sendAll({ send = [], upgrades }: ServerScenario, client: RawClient): Promise<void> {
  for (const part of send) {
    client.send(part);
    const methods = parseRequests(client.sent(), upgrades === true).map(({ method }) => method);
    await client.responses(methods);
  }
  await client.close();
}

async function outcome(
  { messages = "all", upgrades = false, refused = false }: ServerScenario,
  clients: readonly RawClient[],
  metrics: MetricBench,
  instrumentation: HttpSizeInstrumentation,
): Promise<Outcome> {
  const parsed = clients.map((client) => {
    const requests = refused ? [] : parseRequests(client.sent(), upgrades);
    return {
      requests,
      responses: parseResponses(
        client.received(),
        requests.map(({ method }) => method),
      ),
    };
  });
  const exchanges = parsed.flatMap(({ requests, responses }) =>
    requests.map((request, index) => ({ request, response: responses[index] })),
  );
  const bodies = exchanges.map(({ request, response }): Bodies => ({
    request: request.bodyBytes,
    response: response?.bodyBytes ?? 0,
  }));
  const all: Io = { received: sum(clients, "sentBytes"), transmitted: sum(clients, "receivedBytes") };
  const ofExchanges: Io = {
    received: totalBytes(parsed.flatMap(({ requests }) => requests)),
    transmitted: totalBytes(parsed.flatMap(({ responses }) => responses)),
  };
  const connection: Io = { received: sum(clients, "wireSentBytes"), transmitted: sum(clients, "wireReceivedBytes") };
  if (bodies.length > 0) await metrics.settled(bodies.length);
  const io = async (name: string): Promise<Io> => ({
    received: await metrics.total(name, "receive"),
    transmitted: await metrics.total(name, "transmit"),
  });
  return {
    truth: { bodies, messages: messages === "all" ? all : ofExchanges, connection },
    counted: {
      bodies: await bodiesByRoute(metrics, "server"),
      messages: await io("bandwidth.http.server.io"),
      connection: await io("bandwidth.http.server.connection.io"),
    },
    guessed: {
      request: exchanges.reduce((total, { request }) => total + (request.declaredBytes ?? 0), 0),
      response: exchanges.reduce((total, { response }) => total + (response?.declaredBytes ?? 0), 0),
    },
    faults: instrumentation.faultCount,
  };
}

type ByteCount = "sentBytes" | "receivedBytes" | "wireSentBytes" | "wireReceivedBytes";

function sum(clients: readonly RawClient[], field: ByteCount): number {
  return clients.reduce((total, client) => total + client[field], 0);
}

function totalBytes(messages: readonly WireMessage[]): number {
  return messages.reduce((total, message) => total + message.totalBytes, 0);
}
