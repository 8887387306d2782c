/** Tenants that share a real receiver: one that sends fifty times as much takes nothing of the others. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createReceiver, type Receiver, type ReceiverOptions } from "../../src/app/receiver.ts";
import { OVERFLOW_NAME } from "../../src/model/dimensions.ts";
import { ResponseType } from "../otlp/otlp-proto.ts";
import { otlpRequest, type TestResource } from "../support/otlp-request.ts";
import { parsePrometheusText, sampleOf } from "../support/prometheus-text.ts";
import { nextNanos, postMetrics } from "../support/send-metrics.ts";

let folder: string;
const receivers: Receiver[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-tenants-"));
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: ReceiverOptions) {
  const receiver = createReceiver({
    environment: {},
    dataDirectory: folder,
    otlpPort: 0,
    bridgePort: 0,
    processIntervalMillis: 100,
    persistIntervalMillis: 300,
    ...options,
  });
  receivers.push(receiver);
  const { otlpPort, bridgePort } = await receiver.start();
  return { receiver, otlp: `http://127.0.0.1:${otlpPort}`, live: `http://127.0.0.1:${bridgePort}` };
}

/** So many delta points of a tenant, each of the next of its routes, a byte each. */
class Sender {
  readonly #tenant: string | undefined;
  readonly #routes: number;
  #sent = 0;

  constructor(tenant: string | undefined, routes: number) {
    this.#tenant = tenant;
    this.#routes = routes;
  }

  resource(points: number): TestResource {
    const sum = Array.from({ length: points }, () => {
      const route = `/r${this.#sent++ % this.#routes}`;
      const time = nextNanos();
      const attributes = { "network.io.direction": "receive", "http.request.method": "GET", "http.route": route };
      return { attributes, start: time - 1_000_000n, time, value: 1n };
    });
    const namespace = this.#tenant === undefined ? {} : { "service.namespace": this.#tenant };
    return {
      attributes: { ...namespace, "service.name": "shop" },
      metrics: [{ name: "bandwidth.http.server.io", unit: "By", temporality: "delta", sum }],
    };
  }
}

/** Bytes by tenant and route, as SQL has them; those without a name by `__other__`. */
function storedBytes(): Record<string, Record<string, number>> {
  const database = new DatabaseSync(join(folder, "bandwidth.db"), { readOnly: true });
  try {
    const rows = database
      .prepare(
        "SELECT namespace, service, route, sum(wire_bytes_in) AS bytes FROM metrics_minute JOIN series USING (series_id)" +
          " GROUP BY namespace, service, route",
      )
      .all() as { namespace: string; service: string; route: string; bytes: number }[];
    const found: Record<string, Record<string, number>> = {};
    for (const { namespace, service, route, bytes } of rows) {
      (found[namespace] ??= {})[service === OVERFLOW_NAME ? OVERFLOW_NAME : route] = bytes;
    }
    return found;
  } finally {
    database.close();
  }
}

function limitedInSql(): number {
  const database = new DatabaseSync(join(folder, "bandwidth.db"), { readOnly: true });
  try {
    return Number(database.prepare("SELECT sum(points_limited) AS points FROM receiver_minute").get()!["points"]);
  } finally {
    database.close();
  }
}

const sumOf = (values: Readonly<Record<string, number>> = {}): number =>
  Object.values(values).reduce((sum, value) => sum + value, 0);

it("a tenant that sends fifty times as much is refused; the other is answered 2xx throughout, whole and by name", async () => {
  const { otlp, live } = await start({
    tenantMaxPointsPerMinute: 2000,
    tenantMaxSeries: 20,
    bufferEntries: 1000,
    tenantMaxLogShare: 0.5,
  });
  const [quiet, noisy] = [new Sender("quiet", 5), new Sender("noisy", 300)];
  const sent = { quiet: 0, noisyTaken: 0, noisyRefused: 0 };
  const quietStatuses: number[] = [];
  const noisyStatuses = new Set<number>();
  const sendNoisy = async (): Promise<void> => {
    const answer = await postMetrics(otlp, otlpRequest([noisy.resource(10)]));
    noisyStatuses.add(answer.status);
    if (answer.status === 200) sent.noisyTaken += 10;
    else {
      sent.noisyRefused += 10;
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await answer.text()).toContain('tenant "noisy" is over its limit of 2000 points a minute');
    }
  };
  for (let round = 0; round < 40; round++) {
    const others = Array.from({ length: 50 }, sendNoisy);
    quietStatuses.push((await postMetrics(otlp, otlpRequest([quiet.resource(10)]))).status);
    sent.quiet += 10;
    await Promise.all(others);
  }
  // What was refused is told in SQL with the next entry that is committed.
  quietStatuses.push((await postMetrics(otlp, otlpRequest([quiet.resource(10)]))).status);
  sent.quiet += 10;
  expect(new Set(quietStatuses)).toEqual(new Set([200]));
  expect(noisyStatuses).toEqual(new Set([200, 429]));
  await vi.waitFor(() => expect(sumOf(storedBytes()["quiet"])).toBe(sent.quiet), { timeout: 20_000, interval: 100 });
  await vi.waitFor(() => expect(sumOf(storedBytes()["noisy"])).toBe(sent.noisyTaken), {
    timeout: 20_000,
    interval: 100,
  });

  const stored = storedBytes();
  expect(stored["quiet"]).toEqual(Object.fromEntries([0, 1, 2, 3, 4].map((route) => [`/r${route}`, sent.quiet / 5])));
  expect(Object.keys(stored["noisy"]!)).toHaveLength(21);
  expect(stored["noisy"]![OVERFLOW_NAME]).toBeGreaterThan(0);
  expect(stored[""]).toBeUndefined();

  expect(limitedInSql()).toBe(sent.noisyRefused);
  const text = parsePrometheusText(await (await fetch(`${live}/metrics`)).text());
  const labels = { bandwidth_tenant: "noisy", bandwidth_limit: "points" };
  expect(sampleOf(text, "bandwidth_receiver_tenant_refused_total", labels)).toBe(sent.noisyRefused);
}, 60_000);

it("in one request, a Collector's, the others are taken and the sender is told of what was not", async () => {
  const { otlp } = await start({ tenantMaxPointsPerMinute: 30 });
  const [quiet, noisy] = [new Sender("quiet", 1), new Sender("noisy", 1)];
  const rejected: number[] = [];
  for (let times = 0; times < 3; times++) {
    const answer = await postMetrics(otlp, otlpRequest([noisy.resource(50), quiet.resource(5)]));
    expect(answer.status).toBe(200);
    const body = ResponseType.toObject(ResponseType.decode(Buffer.from(await answer.arrayBuffer())), { longs: Number });
    rejected.push((body["partialSuccess"] as { rejectedDataPoints?: number } | undefined)?.rejectedDataPoints ?? 0);
  }
  expect(rejected).toEqual([0, 50, 50]);
  await vi.waitFor(() => expect([sumOf(storedBytes()["quiet"]), sumOf(storedBytes()["noisy"])]).toEqual([15, 50]), {
    timeout: 20_000,
    interval: 100,
  });
});

it("while SQL is behind, a share of the log keeps room for the others", async () => {
  const { otlp } = await start({
    tenantMaxLogShare: 0.5,
    bufferEntries: 40,
    // Nothing is folded or committed meanwhile: the log fills as when SQL is away.
    processIntervalMillis: 60_000,
    persistIntervalMillis: 3_600_000,
  });
  const [quiet, noisy] = [new Sender("quiet", 1), new Sender("noisy", 1)];
  const statuses: number[] = [];
  for (let times = 0; times < 60; times++) {
    statuses.push((await postMetrics(otlp, otlpRequest([noisy.resource(1)]))).status);
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(20);
  expect(new Set(statuses.slice(20))).toEqual(new Set([429]));
  for (let times = 0; times < 10; times++) {
    expect((await postMetrics(otlp, otlpRequest([quiet.resource(1)]))).status).toBe(200);
  }
});

it("a token's tenant is where its data goes, and only there; the file is read again on request", async () => {
  const file = join(folder, "tenants.json");
  writeFileSync(file, JSON.stringify({ team: { tokens: ["token-of-team"] } }));
  const { receiver, otlp } = await start({ tenantsFile: file, otlpToken: "token-of-all" });
  const send = async (token: string, ...resources: TestResource[]): Promise<number> =>
    (await postMetrics(otlp, otlpRequest(resources), { authorization: `Bearer ${token}` })).status;
  const [nameless, other] = [new Sender(undefined, 1), new Sender("other", 1)];
  expect(await send("token-of-team", nameless.resource(3), other.resource(4))).toBe(200);
  expect(await send("token-of-all", other.resource(5))).toBe(200);
  expect(await send("no-one's", other.resource(6))).toBe(401);
  writeFileSync(file, "{}");
  receiver.reloadTenants();
  expect(await send("token-of-team", nameless.resource(7))).toBe(401);
  writeFileSync(file, JSON.stringify({ other: { maxPointsPerMinute: 1 } }));
  receiver.reloadTenants();
  expect(await send("token-of-all", other.resource(2))).toBe(200);
  expect(await send("token-of-all", other.resource(1))).toBe(429);
  await vi.waitFor(() => expect([sumOf(storedBytes()["team"]), sumOf(storedBytes()["other"])]).toEqual([3, 7]), {
    timeout: 20_000,
    interval: 100,
  });
  expect(storedBytes()[""]).toBeUndefined();
});
