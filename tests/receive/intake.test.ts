import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { AppendedEntry, IngestLog, LogEntry, LogEntryInput } from "../../src/model/ingest-log.ts";
import { retryable, success, type Result } from "../../src/model/result.ts";
import { serviceSlot, shardOf } from "../../src/model/slot.ts";
import { nameTenant } from "../../src/otlp/name-tenant.ts";
import { createOpenBody } from "../../src/otlp/open-body.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { Intake, type IntakeOptions, type IntakeShards } from "../../src/receive/intake.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestMetric, type TestResource } from "../support/otlp-request.ts";

const NOW_MILLIS = 1_800_000_000_000;
const NOW = BigInt(NOW_MILLIS) * 1_000_000n;

interface Door {
  readonly intake: Intake;
  readonly logs: readonly MemoryLog[];
  readonly appended: { readonly shard: number; readonly id: string; readonly body: Uint8Array }[];
}

function door(shards: number = 1, changes: Partial<IntakeOptions & IntakeShards> = {}): Door {
  const logs = Array.from({ length: shards }, () => new MemoryLog());
  const appended: Door["appended"] = [];
  const seen: IntakeShards = {
    logs: changes.logs ?? logs,
    appended: changes.appended ?? (({ shard, to, body }) => void appended.push({ shard, id: to.id, body })),
  };
  const intake = new Intake({
    clock: new FakeClock(NOW_MILLIS),
    shards: () => seen,
    openBody: createOpenBody(),
    walk: walkMetrics,
    maxOpenBytes: 100_000_000,
    deltaMaxAgeMillis: 3_600_000,
    gate: () => success(undefined),
    nameTenant,
    ...changes,
  });
  return { intake, logs, appended };
}

function io(value: bigint, changes: Partial<TestMetric> = {}): TestMetric {
  const point = { attributes: { "network.io.direction": "receive" }, start: NOW - 1_000_000_000n, time: NOW, value };
  return { name: "bandwidth.http.server.io", unit: "By", sum: [point], ...changes };
}

function service(name: string, ...metrics: readonly TestMetric[]): TestResource {
  return { attributes: { "service.name": name }, metrics };
}

const request = (body: Uint8Array, changes: object = {}) =>
  ({ contentType: "protobuf", encoding: "identity", body, receivedAtMillis: NOW_MILLIS, ...changes }) as const;

const REFUSING: Partial<IngestLog> = { append: async () => retryable("overloaded", "the log is full") };

/** A log of which some methods are others. */
function altered(log: MemoryLog, changes: Partial<IngestLog>): IngestLog {
  return new Proxy(log, {
    get: (target, name) => Reflect.get(changes, name) ?? Reflect.get(target, name).bind(target),
  });
}

describe("a request that is taken in", () => {
  it("is in the log as it came before the answer, and its inflated body is passed on", async () => {
    const { intake, logs, appended } = door();
    const body = otlpRequest([service("shop", io(5n))]);
    const compressed = gzipSync(body);
    const outcome = await intake.accept(request(compressed, { encoding: "gzip" }));
    expect(outcome).toEqual(success({ rejectedPoints: 0, message: "" }));
    expect(logs[0]!.entries).toEqual([
      {
        id: "1-0",
        contentType: "protobuf",
        encoding: "gzip",
        body: compressed,
        bodyHash: new Uint8Array(0),
        receivedAtMillis: NOW_MILLIS,
      },
    ]);
    expect(appended).toEqual([{ shard: 0, id: "1-0", body: expect.anything() }]);
    expect(Buffer.compare(appended[0]!.body, body)).toBe(0);
  });

  it("keeps who sent it, when it came from a browser", async () => {
    const { intake, logs } = door();
    const identity = { meeting: "m", participant: "p" };
    const packets = io(5n, { name: "webrtc.packets", unit: "{packet}" });
    await intake.accept(request(otlpRequest([service("page", packets)])), { identity });
    expect(logs[0]!.entries[0]?.identity).toEqual(identity);
  });

  it("carries the hash of its inflated bytes when it has delta points, and only then", async () => {
    const { intake, logs } = door();
    const body = otlpRequest([service("shop", io(5n, { temporality: "delta" }))]);
    await intake.accept(request(gzipSync(body), { encoding: "gzip" }));
    await intake.accept(request(otlpRequest([service("shop", io(5n))])));
    const [delta, cumulative] = logs[0]!.entries;
    expect(Buffer.from(delta!.bodyHash)).toEqual(createHash("sha256").update(body).digest());
    expect(cumulative!.bodyHash.length).toBe(0);
  });

  it("that holds nothing of ours is answered with success and not stored", async () => {
    const { intake, logs } = door();
    const outcome = await intake.accept(request(otlpRequest([service("shop", io(5n, { name: "foreign" }))])));
    expect([valueOf(outcome).rejectedPoints, logs[0]!.entries, intake.counts.ignoredPoints]).toEqual([0, [], 1]);
  });

  it("is told how many points were rejected, and why, while the others are stored", async () => {
    const { intake, logs } = door();
    const metrics = [io(5n), io(5n, { unit: "ms" })];
    const outcome = await intake.accept(request(otlpRequest([service("shop", ...metrics)])));
    expect(valueOf(outcome)).toEqual({
      rejectedPoints: 1,
      message: 'bandwidth.http.server.io has unit "ms", expected By',
    });
    expect(logs[0]!.entries.length).toBe(1);
    expect(intake.counts).toMatchObject({ requests: 1, acceptedPoints: 1, rejectedPoints: 1, retryableAnswers: 0 });
  });
});

describe("a request that cannot be read", () => {
  it.each<[string, Uint8Array, object]>([
    ["no protobuf", Uint8Array.of(0xff, 0xff), {}],
    ["cut off", otlpRequest([service("shop", io(5n))]).subarray(0, 40), {}],
    ["no gzip", Uint8Array.of(1, 2, 3), { encoding: "gzip" }],
    ["no JSON", Buffer.from("{"), { contentType: "json" }],
  ])("is refused as invalid and not stored: %s", async (_name, body, form) => {
    const { intake, logs } = door();
    expect(await intake.accept(request(body, form))).toMatchObject({ kind: "failure", code: "invalid" });
    expect(logs[0]!.entries).toEqual([]);
  });
});

describe("a request that is larger once it is opened than anything may be", () => {
  const json = Buffer.from(JSON.stringify({ resourceMetrics: Array.from({ length: 100 }, () => ({})) }));
  const forms: readonly (readonly [string, Uint8Array, object])[] = [
    ["protobuf", otlpRequest([service("x".repeat(300), io(5n))]), {}],
    ["compressed", gzipSync(otlpRequest([service("x".repeat(300), io(5n))])), { encoding: "gzip" }],
    ["JSON", json, { contentType: "json" }],
    ["once its tenant is named", otlpRequest([service("shop", io(5n))]), { tenant: "t".repeat(100) }],
  ];

  it.each(forms)("is refused for good, and not stored: %s", async (_name, body, form) => {
    const { intake, logs } = door(1, { maxOpenBytes: 199 });
    expect(await intake.accept(request(body, form))).toMatchObject({ kind: "failure", code: "too_large" });
    expect([logs[0]!.entries, intake.openBytes, intake.counts.retryableAnswers]).toEqual([[], 0, 0]);
  });

  it("is taken when it is as large as may be, with its tenant", async () => {
    const body = otlpRequest([service("shop", io(5n))]);
    const named = valueOf(nameTenant(body, "t"));
    const { intake } = door(1, { maxOpenBytes: named.length });
    expect((await intake.accept(request(body, { tenant: "t" }))).kind).toBe("success");
  });
});

describe("a door that stands still while it has a request", () => {
  const accept = async (millis: number) => {
    const clock = new FakeClock(NOW_MILLIS);
    const open = createOpenBody();
    const openBody: IntakeOptions["openBody"] = async (...given) => {
      await clock.advance(millis);
      return open(...given);
    };
    const { intake, logs } = door(1, { clock, openBody });
    const outcome = await intake.accept(request(otlpRequest([service("shop", io(5n, { temporality: "delta" }))])));
    return [outcome.kind, logs[0]!.entries.length];
  };

  it("for a minute takes it", async () => expect(await accept(60_000)).toEqual(["success", 1]));

  it("for longer has it sent again, for its repetition may have been counted and forgotten meanwhile", async () =>
    expect(await accept(60_001)).toEqual(["retryable", 0]));
});

describe("a request for several shards", () => {
  const SHARDS = 3;
  const names = Array.from({ length: 12 }, (_, index) => `service-${index}`);
  const shardOfName = (name: string): number => shardOf(serviceSlot("", name, ""), SHARDS);
  const resources = names.map((name) => service(name, io(5n, { temporality: "delta" })));

  it("is split at its ResourceMetrics: each log gets exactly the bytes of its own, in order", async () => {
    const { intake, logs, appended } = door(SHARDS);
    valueOf(await intake.accept(request(otlpRequest(resources))));
    const openBody = createOpenBody();
    for (const [shard, log] of logs.entries()) {
      const own = resources.filter((_, index) => shardOfName(names[index]!) === shard);
      expect(own.length).toBeGreaterThan(0);
      const [entry] = log.entries as [LogEntry];
      const stored = valueOf(await openBody(entry.body, entry.contentType, entry.encoding));
      expect(Buffer.compare(stored, otlpRequest(own))).toBe(0);
      expect(Buffer.from(entry.bodyHash)).toEqual(createHash("sha256").update(otlpRequest(own)).digest());
      expect(Buffer.compare(appended.find((one) => one.shard === shard)!.body, stored)).toBe(0);
    }
  });

  it("is stored as it came when all of it belongs to one shard", async () => {
    const { intake, logs } = door(SHARDS);
    const body = gzipSync(otlpRequest([service(names[0]!, io(5n))]));
    await intake.accept(request(body, { encoding: "gzip" }));
    expect(logs[shardOfName(names[0]!)]!.entries).toMatchObject([{ encoding: "gzip", body }]);
    expect(logs.flatMap(({ entries }) => entries).length).toBe(1);
  });

  it("can be tried again when one log refuses, and its repetition is the same where it was taken", async () => {
    const memory = Array.from({ length: SHARDS }, () => new MemoryLog());
    const full = shardOfName(names[0]!);
    let refuses = true;
    const logs = memory.map((log, shard): IngestLog => {
      const append = (entry: LogEntryInput): Promise<Result<AppendedEntry>> =>
        refuses && shard === full ? REFUSING.append!(entry) : log.append(entry);
      return altered(log, { append });
    });
    const { intake } = door(SHARDS, { logs });
    const body = request(otlpRequest(resources));
    expect(await intake.accept(body)).toEqual(retryable("overloaded", "the log is full"));
    expect(intake.counts).toMatchObject({ requests: 1, acceptedPoints: 0, retryableAnswers: 1 });
    refuses = false;
    valueOf(await intake.accept(body));
    for (const [shard, { entries }] of memory.entries()) {
      expect(entries.length).toBe(shard === full ? 1 : 2);
      expect(new Set(entries.map(({ bodyHash }) => Buffer.from(bodyHash).toString("hex"))).size).toBe(1);
    }
  });
});

describe("the gate", () => {
  it("keeps everything out, readable or not, with its own reason", async () => {
    const closed = retryable("unavailable", "the migrations have not run yet");
    const { intake, logs } = door(1, { gate: () => closed });
    expect(await intake.accept(request(otlpRequest([service("shop", io(5n))])))).toBe(closed);
    expect(await intake.accept(request(Uint8Array.of(0xff)))).toBe(closed);
    expect([logs[0]!.entries, intake.counts.retryableAnswers]).toEqual([[], 2]);
  });
});

describe("small bodies that are large inside", () => {
  it("are told to come again while others are being appended, and are taken then", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const log = new MemoryLog();
    const append: IngestLog["append"] = async (entry) => {
      await promise;
      return log.append(entry);
    };
    const { intake } = door(1, { logs: [altered(log, { append })], maxOpenBytes: 1_500_000 });
    const large = request(gzipSync(otlpRequest([service("x".repeat(1_000_000), io(5n))])), { encoding: "gzip" });
    expect(large.body.length).toBeLessThan(10_000);
    const first = intake.accept(large);
    await new Promise((done) => void setImmediate(done));
    expect(await intake.accept(large)).toMatchObject({ kind: "retryable", code: "overloaded" });
    resolve();
    expect(await first).toMatchObject({ kind: "success" });
    expect(await intake.accept(large)).toMatchObject({ kind: "success" });
    expect(log.entries).toHaveLength(2);
  });

  it("make room again even if the fold has given their memory back by then", async () => {
    const { intake } = door(1, {
      maxOpenBytes: 1_500_000,
      appended: ({ body }) => void (body.buffer as ArrayBuffer).transfer(0),
    });
    const large = request(gzipSync(otlpRequest([service("x".repeat(1_000_000), io(5n))])), { encoding: "gzip" });
    for (let round = 0; round < 3; round += 1) expect(await intake.accept(large)).toMatchObject({ kind: "success" });
  });
});
