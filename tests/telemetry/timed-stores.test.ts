import { describe, expect, it } from "vitest";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import type { RealtimeStore } from "../../src/model/realtime-store.ts";
import { failure, type Result, retryable, success } from "../../src/model/result.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import type { StoreCall, StoreName } from "../../src/model/store-call.ts";
import { CallTiming } from "../../src/telemetry/call-timing.ts";
import { ShardTimes } from "../../src/telemetry/shard-times.ts";
import { timedLog } from "../../src/telemetry/timed-log.ts";
import { timedRealtimeStore } from "../../src/telemetry/timed-realtime-store.ts";
import { timedRollupStore } from "../../src/telemetry/timed-rollup-store.ts";
import { FakeClock } from "../support/fake-clock.ts";

const METHODS = {
  log: ["open", "supersede", "append", "read", "trim", "status", "writable"],
  realtime: ["update", "snapshot", "steps"],
  totals: [
    "birth",
    "offset",
    "advanceGeneration",
    "counterState",
    "ledger",
    "commit",
    "maintain",
    "maintainedAt",
    "ready",
  ],
} as const;

type Call = (...given: unknown[]) => Promise<Result<unknown>>;

/** A store each of whose methods takes two seconds, and answers with its name and what it was given. */
function slowStore(clock: FakeClock, store: StoreName, answer?: Result<unknown>): Record<string, Call> {
  return Object.fromEntries(
    METHODS[store].map((method) => [
      method,
      async (...given: unknown[]) => {
        await clock.advance(2000);
        return answer ?? success([method, ...given]);
      },
    ]),
  );
}

function timed(clock: FakeClock, store: StoreName, told: (call: StoreCall) => void, answer?: Result<unknown>) {
  const timing = new CallTiming(store, clock, told);
  const slow: unknown = slowStore(clock, store, answer);
  switch (store) {
    case "log":
      return timedLog(slow as IngestLog, timing);
    case "realtime":
      return timedRealtimeStore(slow as RealtimeStore, timing);
    default:
      return timedRollupStore(slow as RollupStore, timing);
  }
}

describe("a timed store", () => {
  it.each(Object.keys(METHODS) as StoreName[])(
    "%s answers as the store does, and each call is told of",
    async (store) => {
      const clock = new FakeClock(0);
      const calls: StoreCall[] = [];
      const wrapped = timed(clock, store, (call) => void calls.push(call)) as unknown as Record<string, Call>;
      for (const method of METHODS[store]) {
        expect(await wrapped[method]!(1, 2, 3)).toMatchObject({
          kind: "success",
          value: expect.arrayContaining([method]),
        });
      }
      expect(calls.map(({ operation }) => operation)).toEqual(
        METHODS[store].map((method) => method.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
      );
      for (const call of calls) expect(call).toEqual({ store, operation: call.operation, seconds: 2 });
    },
  );

  it.each([retryable("overloaded", "full"), failure("conflict", "elsewhere")])(
    "passes %o on, with its code",
    async (answer) => {
      const clock = new FakeClock(0);
      const calls: StoreCall[] = [];
      const wrapped = timed(clock, "log", (call) => void calls.push(call), answer) as IngestLog;
      expect(await wrapped.status()).toBe(answer);
      expect(calls).toEqual([{ store: "log", operation: "status", seconds: 2, failure: answer.code }]);
    },
  );
});

describe("the times of a shard's stores", () => {
  it("add up by store until they are taken", () => {
    const times = new ShardTimes();
    times.add({ store: "log", operation: "append", seconds: 0.25 });
    times.add({ store: "log", operation: "read", seconds: 0.5, failure: "unavailable" });
    times.add({ store: "totals", operation: "commit", seconds: 1.5 });
    times.add({ store: "totals", operation: "offset", seconds: 8 });
    times.add({ store: "realtime", operation: "update", seconds: 0.000_001 });
    times.add({ store: "realtime", operation: "snapshot", seconds: 8 });
    expect(times.take()).toEqual({
      logCalls: 2,
      logMicros: 750_000,
      commits: 1,
      commitMicros: 1_500_000,
      realtimeUpdates: 1,
      realtimeMicros: 1,
    });
    expect(Object.values(times.take())).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
