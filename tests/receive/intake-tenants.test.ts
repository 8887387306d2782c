/** Limits by tenant at the door, on the real decoder and logs in memory. */
import { describe, expect, it } from "vitest";
import { readResourceAttributes } from "../../src/model/attributes.ts";
import { retryable, success } from "../../src/model/result.ts";
import { serviceSlot, shardOf } from "../../src/model/slot.ts";
import { PAGES_TENANT, type TenantLimits, UNLIMITED } from "../../src/model/tenant-limits.ts";
import { nameTenant } from "../../src/otlp/name-tenant.ts";
import { createOpenBody } from "../../src/otlp/open-body.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { Intake, type IntakeAppend } from "../../src/receive/intake.ts";
import { TenantGate } from "../../src/receive/tenant-gate.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { otlpRequest, type TestMetric, type TestResource } from "../support/otlp-request.ts";

const NOW_MILLIS = 1_800_000_000_000;
const NOW = BigInt(NOW_MILLIS) * 1_000_000n;

function door(limits: Partial<TenantLimits> | undefined, { shards = 1, isFull = false } = {}) {
  const clock = new FakeClock(NOW_MILLIS);
  const logs = Array.from({ length: shards }, () => new MemoryLog());
  if (isFull) for (const log of logs) log.append = async () => retryable("overloaded", "the log is full");
  const plan = { defaults: { ...UNLIMITED, ...limits }, byTenant: new Map() };
  const gate = new TenantGate({
    clock,
    logs: () => logs,
    limits: { maxEntries: 100, maxBytes: 1e6 },
    plan: () => plan,
  });
  const appends: IntakeAppend[] = [];
  const intake = new Intake({
    clock,
    shards: () => ({ logs, appended: (append) => void appends.push(append) }),
    openBody: createOpenBody(),
    walk: walkMetrics,
    maxOpenBytes: 100_000_000,
    deltaMaxAgeMillis: 3_600_000,
    gate: () => success(undefined),
    tenants: () => (limits === undefined ? undefined : gate),
    nameTenant,
  });
  return { intake, logs, gate, clock, appends };
}

function io(points: number, changes: Partial<TestMetric> = {}): TestMetric {
  const sum = Array.from({ length: points }, (_, number) => ({
    attributes: { "network.io.direction": "receive", number },
    start: NOW - 1_000_000_000n,
    time: NOW,
    value: 5n,
  }));
  return { name: "bandwidth.http.server.io", unit: "By", sum, ...changes };
}

function of(namespace: string, points: number, service = "shop"): TestResource {
  return { attributes: { "service.namespace": namespace, "service.name": service }, metrics: [io(points)] };
}

const request = (body: Uint8Array, tenant?: string) =>
  ({ contentType: "protobuf", encoding: "identity", body, receivedAtMillis: NOW_MILLIS, tenant }) as const;

/** The namespaces and points that a body holds. */
function contentOf(body: Uint8Array): Record<string, number> {
  const found: Record<string, number> = {};
  let namespace = "";
  walkMetrics(body, {
    resource: (bytes, start, end) => {
      namespace = String(readResourceAttributes(bytes, start, end).get("service.namespace") ?? "");
    },
    scope: () => true,
    metric: () => true,
    point: () => void (found[namespace] = (found[namespace] ?? 0) + 1),
    skipped: () => undefined,
  });
  return found;
}

describe("a request of one tenant over its limit", () => {
  it("is refused whole, may come again, and is counted when it then is", async () => {
    const { intake, logs, gate, clock } = door({ maxPointsPerMinute: 10 });
    const body = otlpRequest([of("noisy", 20)]);
    expect((await intake.accept(request(body))).kind).toBe("success");
    expect(await intake.accept(request(body))).toEqual({
      kind: "retryable",
      code: "limited",
      reason: 'tenant "noisy" is over its limit of 10 points a minute',
      retryAfterSeconds: 60,
    });
    expect([logs[0]!.entries.length, gate.refused()]).toEqual([1, [{ tenant: "noisy", limit: "points", points: 20 }]]);
    expect(intake.counts).toMatchObject({ acceptedPoints: 20, rejectedPoints: 0, retryableAnswers: 1 });
    await clock.advance(60_001);
    const again = { ...request(body), receivedAtMillis: clock.nowMillis() };
    expect((await intake.accept(again)).kind).toBe("success");
  });

  it("is charged nothing for what no log took", async () => {
    const { intake, gate } = door({ maxPointsPerMinute: 10 }, { isFull: true });
    const body = otlpRequest([of("noisy", 20)]);
    for (let times = 0; times < 3; times++) {
      expect(await intake.accept(request(body))).toMatchObject({ kind: "retryable", code: "overloaded" });
    }
    expect(gate.refused()).toEqual([]);
  });

  it("is told of the points alone that the receiver counts", async () => {
    const { intake } = door({ maxPointsPerMinute: 10 });
    await intake.accept(request(otlpRequest([of("noisy", 20)])));
    const foreign = { ...of("noisy", 0), metrics: [io(3, { name: "foreign" })] };
    expect(valueOf(await intake.accept(request(otlpRequest([foreign]))))).toEqual({ rejectedPoints: 0, message: "" });
    expect(intake.counts.ignoredPoints).toBe(3);
  });
});

describe("a request of several tenants", () => {
  it("is taken for those within their limits, and says what was refused of the others", async () => {
    const { intake, logs, gate, appends } = door({ maxPointsPerMinute: 10 });
    const body = otlpRequest([of("quiet", 2), of("noisy", 20), of("quiet", 3, "other")]);
    expect(valueOf(await intake.accept(request(body))).rejectedPoints).toBe(0);
    expect(valueOf(await intake.accept(request(body)))).toEqual({
      rejectedPoints: 20,
      message: 'tenant "noisy" is over its limit of 10 points a minute',
    });
    expect(gate.refused()).toEqual([{ tenant: "noisy", limit: "points", points: 20 }]);
    expect(intake.counts).toMatchObject({ acceptedPoints: 30, rejectedPoints: 20, rejectedForTenant: 20 });
    expect(appends.map((append) => contentOf(append.body))).toEqual([{ quiet: 5, noisy: 20 }, { quiet: 5 }]);
    const stored = logs[0]!.entries[1]!;
    const opened = await createOpenBody()(stored.body, stored.contentType, stored.encoding);
    expect(contentOf(valueOf(opened))).toEqual({ quiet: 5 });
  });

  it("is split by shard and by tenant at once", async () => {
    const { intake, appends } = door({ maxPointsPerMinute: 10 }, { shards: 2 });
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const shardOfService = (namespace: string, name: string) => shardOf(serviceSlot(namespace, name, ""), 2);
    const body = otlpRequest([
      ...names.map((name) => of("quiet", 1, name)),
      ...names.map((name) => of("noisy", 2, name)),
    ]);
    await intake.accept(request(body));
    appends.length = 0;
    expect(valueOf(await intake.accept(request(body))).rejectedPoints).toBe(16);
    const inShard = (shard: number) => names.filter((name) => shardOfService("quiet", name) === shard).length;
    expect(
      appends.map(({ shard, body: piece }) => [shard, contentOf(piece)] as const).toSorted(([a], [b]) => a - b),
    ).toEqual([
      [0, { quiet: inShard(0) }],
      [1, { quiet: inShard(1) }],
    ]);
  });

  it("is refused for the share of the log in which a tenant has too much", async () => {
    const { intake, logs } = door({ maxLogShare: 0.02 });
    await intake.accept(request(otlpRequest([of("noisy", 1)])));
    await intake.accept(request(otlpRequest([of("noisy", 1)])));
    expect(await intake.accept(request(otlpRequest([of("noisy", 1)])))).toMatchObject({ code: "limited" });
    const mixed = await intake.accept(request(otlpRequest([of("noisy", 1), of("quiet", 1)])));
    expect(valueOf(mixed)).toMatchObject({
      rejectedPoints: 1,
      message: expect.stringContaining('"noisy" has its share'),
    });
    expect(logs[0]!.entries.length).toBe(3);
  });
});

describe("a token's tenant", () => {
  it("is the namespace of whatever names none, in the log too", async () => {
    const { intake, logs, appends } = door(undefined);
    const body = otlpRequest([{ attributes: { "service.name": "shop" }, metrics: [io(2)] }]);
    expect(valueOf(await intake.accept(request(body, "team")))).toEqual({ rejectedPoints: 0, message: "" });
    expect(contentOf(appends[0]!.body)).toEqual({ team: 2 });
    const stored = logs[0]!.entries[0]!;
    const opened = await createOpenBody()(stored.body, stored.contentType, stored.encoding);
    expect(contentOf(valueOf(opened))).toEqual({ team: 2 });
  });

  it("lets no other tenant's data in, and says so", async () => {
    const { intake, appends } = door(undefined);
    const answer = await intake.accept(request(otlpRequest([of("team", 1), of("other", 2)]), "team"));
    expect(valueOf(answer)).toEqual({
      rejectedPoints: 2,
      message: 'the token is of tenant "team": it may not send of service.namespace "other"',
    });
    expect(contentOf(appends[0]!.body)).toEqual({ team: 1 });
    const foreign = await intake.accept(request(otlpRequest([of("other", 2)]), "team"));
    expect(valueOf(foreign).rejectedPoints).toBe(2);
    expect(intake.counts).toMatchObject({ rejectedForTenant: 4, rejectedPoints: 4 });
  });

  it("leaves a request as it came when nothing of it lacks the name", async () => {
    const { intake, logs } = door(undefined);
    const body = otlpRequest([of("team", 1)]);
    await intake.accept(request(body, "team"));
    expect(logs[0]!.entries[0]!.body).toBe(body);
  });

  it("counts for its limits, whatever the payload says", async () => {
    const { intake, gate } = door({ maxPointsPerMinute: 1 });
    await intake.accept(request(otlpRequest([{ attributes: {}, metrics: [io(1)] }]), "team"));
    expect([gate.refusal("team", 0)?.limit, gate.refusal("", 0)]).toEqual(["points", undefined]);
  });
});

describe("a page", () => {
  const packets = io(5, { name: "webrtc.packets", unit: "{packet}" });
  const page = { identity: { meeting: "m", participant: "p" } };

  it("takes of no tenant's limits that its token does not name", async () => {
    const { intake, gate } = door({ maxPointsPerMinute: 5 });
    const body = otlpRequest([{ attributes: { "service.namespace": "team" }, metrics: [packets] }]);
    await intake.accept(request(body), page);
    expect([gate.refusal("team", 0), gate.refusal(PAGES_TENANT, 0)?.limit]).toEqual([undefined, "points"]);
    expect(await intake.accept(request(body), page)).toMatchObject({ kind: "retryable", code: "limited" });
  });

  it("is of the tenant that its token names", async () => {
    const { intake, gate } = door({ maxPointsPerMinute: 5 });
    await intake.accept(request(otlpRequest([{ attributes: {}, metrics: [packets] }]), "team"), page);
    expect([gate.refusal("team", 0)?.limit, gate.refusal(PAGES_TENANT, 0)]).toEqual(["points", undefined]);
  });
});

it("without any limit, tenants are not looked at and nothing of a request changes", async () => {
  const { intake, logs } = door(undefined);
  const body = otlpRequest([of("a", 1), of("b", 1)]);
  await intake.accept(request(body));
  expect(logs[0]!.entries[0]!.body).toBe(body);
});
