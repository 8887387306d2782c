import { describe, expect, it } from "vitest";
import { openFigures } from "../../src/app/open-figures.ts";
import type { LiveAlert } from "../../src/model/live-alert.ts";
import { success } from "../../src/model/result.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { realtimeSeries, realtimeStep } from "../support/realtime-figures.ts";

const NOW = 1_763_800_000_000;
const ALERT: LiveAlert = {
  rule: "r",
  severity: "warning",
  scope: "s",
  state: "firing",
  value: 2,
  threshold: 1,
  startedAt: 1,
  resolvedAt: null,
};

function figures(throttleMillis: number) {
  const clock = new FakeClock(NOW);
  const reads = { snapshot: 0, steps: 0 };
  const alerts: LiveAlert[] = [];
  const realtime = {
    snapshot: async () => success([realtimeSeries({ requestsPerSecond: ++reads.snapshot })]),
    steps: async () => success([realtimeStep({ requestsPerSecond: ++reads.steps })]),
  };
  const prices = { nanosPerUserHour: 0, nanosPerGigabyte: 0 };
  const open = openFigures({ clock, realtime: () => realtime, alerts: () => alerts, prices, throttleMillis });
  return { clock, reads, alerts, open };
}

describe("the live figures of a receiver", () => {
  it("are read once in a throttle, however many pages ask", async () => {
    const { clock, reads, open } = figures(2000);
    for (let second = 0; second < 10; second += 1) {
      await Promise.all(Array.from({ length: 50 }, () => open.view()));
      await clock.advance(1000);
    }
    expect(reads).toEqual({ snapshot: 5, steps: 0 });
  });

  it("are told with the time at which they were read, and with the alerts of now", async () => {
    const { clock, alerts, open } = figures(2000);
    expect(await open.view()).toMatchObject({ value: { at: NOW, alerts: [] } });
    alerts.push(ALERT);
    await clock.advance(1000);
    expect(await open.view()).toMatchObject({ value: { at: NOW, http: { requestsPerSecond: 1 }, alerts: [ALERT] } });
    await clock.advance(1000);
    expect(await open.view()).toMatchObject({ value: { at: NOW + 2000, http: { requestsPerSecond: 2 } } });
  });

  it("are no older than two seconds where admins are sent them seldom", async () => {
    const { clock, reads, open } = figures(60_000);
    await open.view();
    await clock.advance(2000);
    await open.view();
    expect(reads.snapshot).toBe(2);
  });

  it("have a history that reads no series, once for all", async () => {
    const { reads, open } = figures(2000);
    const [history] = await Promise.all([open.history(), open.history()]);
    expect(history).toMatchObject({ value: { steps: [{ requestsPerSecond: 1 }] } });
    expect(reads).toEqual({ snapshot: 0, steps: 1 });
  });
});
