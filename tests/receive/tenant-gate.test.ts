import { describe, expect, it } from "vitest";
import { OVERFLOW_NAME } from "../../src/model/dimensions.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import { type TenantLimits, type TenantPlan, UNLIMITED } from "../../src/model/tenant-limits.ts";
import { MAX_NAMED_TENANTS, MAX_TRACKED_TENANTS, TenantGate } from "../../src/receive/tenant-gate.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { MemoryLog } from "../support/memory-log.ts";

function gateWith(defaults: Partial<TenantLimits>, own: Readonly<Record<string, Partial<TenantLimits>>> = {}) {
  const clock = new FakeClock(0);
  const log = new MemoryLog();
  const state = { logs: [log] as readonly IngestLog[] };
  const plan: TenantPlan = {
    defaults: { ...UNLIMITED, ...defaults },
    byTenant: new Map(Object.entries(own).map(([tenant, limits]) => [tenant, { ...UNLIMITED, ...limits }])),
  };
  const limits = { maxEntries: 100, maxBytes: 1000 };
  const gate = new TenantGate({ clock, logs: () => state.logs, limits, plan: () => plan });
  return { gate, clock, log, state };
}

const ENTRY = {
  contentType: "protobuf",
  encoding: "identity",
  bodyHash: new Uint8Array(0),
  receivedAtMillis: 0,
} as const;

async function append(log: MemoryLog, gate: TenantGate, bytes: number, ...tenants: readonly string[]): Promise<void> {
  const to = valueOf(await log.append({ ...ENTRY, body: new Uint8Array(bytes) }));
  gate.appended(0, to, bytes, new Map(tenants.map((tenant) => [tenant, 1])));
}

describe("a tenant over a limit", () => {
  it("is told which, how much it is and when to try again, and others are not", async () => {
    const { gate, clock } = gateWith({ maxPointsPerMinute: 60 });
    gate.take("noisy", 90, 1_000_000);
    gate.take("quiet", 59, 1_000_000);
    expect(gate.refusal("noisy", 0)).toEqual({
      tenant: "noisy",
      limit: "points",
      reason: 'tenant "noisy" is over its limit of 60 points a minute',
      retryAfterSeconds: 30,
    });
    expect(gate.refusal("quiet", 0)).toBeUndefined();
    await clock.advance(30_001);
    expect(gate.refusal("noisy", 0)).toBeUndefined();
  });

  it("has its own limits where it was given any, in bytes too", () => {
    const { gate } = gateWith({ maxPointsPerMinute: 1 }, { large: { maxBytesPerMinute: 100 } });
    gate.take("large", 1000, 99);
    expect(gate.refusal("large", 0)).toBeUndefined();
    gate.take("large", 1000, 1);
    expect(gate.refusal("large", 0)).toMatchObject({ limit: "bytes", retryAfterSeconds: 1 });
  });

  it("is never asked to wait for longer than a minute", () => {
    const { gate } = gateWith({ maxPointsPerMinute: 1 });
    gate.take("noisy", 1_000_000, 1);
    expect(gate.refusal("noisy", 0)?.retryAfterSeconds).toBe(60);
  });
});

describe("a share of the log", () => {
  it("is refused more when it is full, and becomes free with what is trimmed", async () => {
    const { gate, clock, log } = gateWith({ maxLogShare: 0.5 });
    await append(log, gate, 499, "noisy");
    await append(log, gate, 10, "quiet");
    expect(gate.refusal("noisy", 0)).toBeUndefined();
    await append(log, gate, 1, "noisy");
    expect(gate.refusal("noisy", 0)).toMatchObject({ tenant: "noisy", limit: "log", retryAfterSeconds: 5 });
    expect(gate.refusal("quiet", 0)).toBeUndefined();
    await log.trim("1-0");
    await clock.advance(1000);
    gate.refusal("noisy", 0);
    await clock.advance(0);
    expect(gate.refusal("noisy", 0)).toBeUndefined();
  });

  it("is filled by entries as well as by bytes, each by as much as is its tenant's", async () => {
    const { gate, log } = gateWith({ maxLogShare: 0.5 });
    for (let left = 60; left > 0; left--) await append(log, gate, 1, "a", "b");
    expect(gate.refusal("a", 0)).toBeUndefined();
    for (let left = 20; left > 0; left--) await append(log, gate, 1, "a");
    expect([gate.refusal("a", 0)?.limit, gate.refusal("b", 0)?.limit]).toEqual(["log", undefined]);
  });

  it("is that of the logs there are now", async () => {
    const { gate, log, state } = gateWith({ maxLogShare: 0.5 });
    await append(log, gate, 600, "noisy");
    expect(gate.refusal("noisy", 0)?.limit).toBe("log");
    state.logs = [new MemoryLog()];
    expect(gate.refusal("noisy", 0)).toBeUndefined();
  });
});

describe("what is remembered", () => {
  it("is bounded: one more tenant than are tracked shares with all that come after it", () => {
    const { gate } = gateWith({ maxPointsPerMinute: 60 }, { known: { maxPointsPerMinute: 60 } });
    for (let number = 0; number < MAX_TRACKED_TENANTS; number++) gate.take(`t${number}`, 1, 1);
    gate.take("late", 60, 1);
    expect(gate.refusal("later", 0)?.tenant).toBe("later");
    expect(gate.refusal("t1", 0)).toBeUndefined();
    expect(gate.refusal("known", 0)).toBeUndefined();
  });

  it("is forgotten of who has taken nothing for a while, and makes room", async () => {
    const { gate, clock } = gateWith({ maxPointsPerMinute: 60 });
    for (let number = 0; number < MAX_TRACKED_TENANTS; number++) gate.take(`t${number}`, 1, 1);
    await clock.advance(120_000);
    gate.take("late", 60, 1);
    expect(gate.refusal("late", 0)?.limit).toBe("points");
    expect(gate.refusal("later", 0)).toBeUndefined();
  });

  it("of what was refused names the first tenants and counts the others together", () => {
    const { gate } = gateWith({ maxPointsPerMinute: 1 });
    const refuse = (tenant: string): void =>
      gate.refuse({ tenant, limit: "points", reason: "", retryAfterSeconds: 1 }, 2);
    for (let number = 0; number < MAX_NAMED_TENANTS + 3; number++) refuse(`t${number}`);
    refuse("t0");
    expect(gate.refused()).toHaveLength(MAX_NAMED_TENANTS + 1);
    expect(gate.refused()).toContainEqual({ tenant: "t0", limit: "points", points: 4 });
    expect(gate.refused()).toContainEqual({ tenant: OVERFLOW_NAME, limit: "points", points: 6 });
    expect([gate.takeRefusedPoints(), gate.takeRefusedPoints()]).toEqual([2 * (MAX_NAMED_TENANTS + 4), 0]);
  });
});
