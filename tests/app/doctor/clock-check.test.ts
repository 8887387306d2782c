import { expect, it } from "vitest";
import { clockCheck } from "../../../src/app/doctor/clock-check.ts";
import { inspectRedis } from "../../../src/log/redis-inspection.ts";
import { systemClock } from "../../../src/model/clock.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { valueOf } from "../../support/log-entries.ts";

it.each([
  [0, "ok   within 0.0 s of ours"],
  [-2000, "ok   within 2.0 s of ours"],
  [2001, "warn 2.0 s ahead of ours; keep all machines on NTP"],
  [-65_000, "warn 65.0 s behind ours; keep all machines on NTP"],
  [undefined, "warn the server did not tell its time; keep all machines on NTP"],
])("a clock that is ahead by %s ms is reported: %s", (ahead, expected) => {
  const { level, message } = clockCheck("clock", ahead);
  expect(`${level.padEnd(4)} ${message}`).toBe(expected);
});

it("measures how far the clock of Redis is ahead", async () => {
  const server = await startRedisServer();
  const late = { ...systemClock, nowMillis: () => Date.now() - 3_600_000 };
  const { primaries } = valueOf(await inspectRedis({ url: server.url, clock: late }));
  await server.remove();
  expect(primaries[0]!.clockAheadMillis! / 60_000).toBeCloseTo(60, 0);
});
