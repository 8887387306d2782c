import { expect, test } from "vitest";
import { LiveRates } from "../../src/aggregate/live-rates.ts";
import type { RealtimeSeries, RealtimeUpdate } from "../../src/model/realtime-store.ts";
import { otlpRequest, type TestAttributes, type TestMetric, type TestNumberPoint } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness } from "./fold-harness.ts";

/** What a page's counters have come to. */
interface Counters {
  /** Seconds by quality, relayed or not. */
  readonly direct?: Readonly<Record<string, number>>;
  readonly relayed?: Readonly<Record<string, number>>;
  readonly received?: number;
  readonly relayedBytes?: number;
  readonly packets?: readonly [received: number, sent: number, lostIn: number, lostOut: number];
}

/** A page that sends its counters over the bridge: the bridge's time is the points' time. */
class Page {
  readonly #harness: FoldHarness;
  readonly #identity: { readonly meeting: string; readonly participant: string };
  readonly #instance: string;
  readonly #start: bigint;

  constructor(harness: FoldHarness, [meeting, participant, instance]: readonly [string, string, string], begin = 0) {
    this.#harness = harness;
    this.#identity = { meeting, participant };
    this.#instance = instance;
    this.#start = at(begin);
  }

  send(seconds: number, counters: Counters): void {
    const body = otlpRequest([
      { attributes: { "service.instance.id": this.#instance }, metrics: this.#metrics(at(seconds), counters) },
    ]);
    this.#harness.receive(body, BIRTH + seconds, { identity: this.#identity });
  }

  #metrics(time: bigint, { direct, relayed, received, relayedBytes, packets }: Counters): TestMetric[] {
    const point = (value: number, attributes: TestAttributes): TestNumberPoint => ({
      start: this.#start,
      time,
      value,
      attributes,
    });
    const connected = [
      ...Object.entries(direct ?? {}).map(([quality, value]) => [value, quality, false] as const),
      ...Object.entries(relayed ?? {}).map(([quality, value]) => [value, quality, true] as const),
    ].map(([value, quality, relay]) => point(value, { "webrtc.quality": quality, "webrtc.relay": relay }));
    const io = [];
    if (received !== undefined) io.push(point(received, { "network.io.direction": "receive", "webrtc.relay": false }));
    if (relayedBytes !== undefined)
      io.push(point(relayedBytes, { "network.io.direction": "transmit", "webrtc.relay": true }));
    const both = (receive: number, transmit: number): TestNumberPoint[] => [
      point(receive, { "network.io.direction": "receive" }),
      point(transmit, { "network.io.direction": "transmit" }),
    ];
    const metrics: TestMetric[] = [{ name: "webrtc.connection.time", sum: connected }];
    if (io.length > 0) metrics.push({ name: "webrtc.io", sum: io });
    if (packets !== undefined) {
      metrics.push({ name: "webrtc.packets", sum: both(packets[0], packets[1]) });
      metrics.push({ name: "webrtc.packets.lost", sum: both(packets[2], packets[3]) });
    }
    return metrics;
  }
}

class Live {
  readonly harness = new FoldHarness();
  readonly series = new Map<string, RealtimeSeries>();
  readonly #rates = new LiveRates();
  #ticks = 0;

  page(meeting: string, participant: string, instance = "tab", begin = 0): Page {
    return new Page(this.harness, [meeting, participant, instance], begin);
  }

  tick(seconds: number): RealtimeUpdate {
    const { scopes } = this.harness.fold;
    const update = this.#rates.update(0, scopes.all(), (BIRTH + seconds) * 1000, `${++this.#ticks}-0`);
    for (const one of update.changed) this.series.set(one.seriesId, one);
    for (const id of update.removed) this.series.delete(id);
    return update;
  }

  of(participant: string): RealtimeSeries {
    const found = [...this.series.values()].find(({ dimensions }) => dimensions.participantId === participant);
    if (found === undefined) throw new Error(`${participant} is not there`);
    return found;
  }
}

test("a participant's rates are its last export over the time since the one before", () => {
  const live = new Live();
  const page = live.page("m", "p");
  page.send(10, { relayed: { good: 10 }, received: 1000, relayedBytes: 5000, packets: [90, 100, 10, 5] });
  page.send(20, { relayed: { good: 20 }, received: 4000, relayedBytes: 25_000, packets: [180, 300, 20, 15] });
  const { step } = live.tick(20);
  expect(live.of("p")).toMatchObject({
    bytesInPerSecond: 300,
    bytesOutPerSecond: 2000,
    participant: {
      quality: "good",
      relayedMonitors: 1,
      relayBytesPerSecond: 2000,
      packetsInPerSecond: 9,
      packetsOutPerSecond: 20,
      packetsLostInPerSecond: 1,
      packetsLostOutPerSecond: 1,
    },
  });
  expect(step).toMatchObject({ bytesInPerSecond: 0, bytesOutPerSecond: 0 });
  expect(step.webrtc).toEqual({
    bytesInPerSecond: 300,
    bytesOutPerSecond: 2000,
    meetings: 1,
    participants: 1,
    relayParticipants: 1,
    relayedMonitors: 1,
    relayBytesPerSecond: 2000,
    packetsInPerSecond: 9,
    packetsOutPerSecond: 20,
    packetsLostInPerSecond: 1,
    packetsLostOutPerSecond: 1,
  });
});

test("a stream that a page leaves out of its newest export stands still at once", () => {
  const live = new Live();
  const page = live.page("m", "p");
  page.send(10, { direct: { good: 10 }, received: 1000 });
  page.send(20, { direct: { good: 20 }, received: 2000 });
  page.send(30, { relayed: { good: 10 }, relayedBytes: 500 });
  page.send(40, { relayed: { good: 20 }, relayedBytes: 1500 });
  live.tick(40);
  expect(live.of("p")).toMatchObject({ bytesInPerSecond: 0, bytesOutPerSecond: 100 });
});

test("what grew again after a pause grew since the last export, not since its own", () => {
  const live = new Live();
  const page = live.page("m", "p");
  page.send(10, { direct: { good: 10 }, received: 1000 });
  page.send(20, { direct: { good: 20 } });
  page.send(30, { direct: { good: 30 }, received: 2000 });
  live.tick(30);
  expect(live.of("p").bytesInPerSecond).toBe(100);
});

test("the level is the one that the newest export ended with", () => {
  const live = new Live();
  const page = live.page("m", "p");
  page.send(3, { direct: { unknown: 2, good: 1 } });
  live.tick(3);
  expect(live.of("p").participant!.quality).toBe("good");
  page.send(13, { direct: { unknown: 2, good: 11 } });
  live.tick(13);
  expect(live.of("p").participant!.quality).toBe("good");
  page.send(20, { direct: { good: 17, poor: 1 } });
  live.tick(20);
  expect(live.of("p").participant!.quality).toBe("poor");
  page.send(30, { direct: { poor: 11 } });
  live.tick(30);
  expect(live.of("p").participant!.quality).toBe("poor");
  page.send(40, { direct: { poor: 15 }, relayed: { good: 6 } });
  live.tick(40);
  expect(live.of("p").participant).toMatchObject({ quality: "good", relayedMonitors: 1 });
});

test("two pages of one person are one participant, as bad as the worse and relayed if one is", () => {
  const live = new Live();
  live.page("m", "p", "first").send(10, { direct: { good: 10 }, received: 1000 });
  live.page("m", "p", "second").send(10, { relayed: { fair: 10 }, received: 500 });
  live.page("m", "q").send(10, { direct: { unknown: 10 }, received: 10 });
  const { step } = live.tick(10);
  expect(live.series.size).toBe(2);
  expect(live.of("p")).toMatchObject({ bytesInPerSecond: 150, participant: { quality: "fair", relayedMonitors: 1 } });
  expect(step.webrtc).toMatchObject({ meetings: 1, participants: 2, relayParticipants: 1 });
});

test("a participant is gone after two intervals without news, the page that is left stays", () => {
  const live = new Live();
  const first = live.page("m", "p", "first");
  const second = live.page("m", "p", "second");
  for (const [seconds, time] of [
    [10, 10],
    [20, 20],
  ] as const) {
    first.send(seconds, { direct: { good: time }, received: 100 * time });
    second.send(seconds, { relayed: { poor: time }, received: 1000 * time });
  }
  first.send(30, { direct: { good: 30 }, received: 3000 });
  live.tick(39);
  expect(live.of("p")).toMatchObject({ bytesInPerSecond: 1100, participant: { quality: "poor", relayedMonitors: 1 } });
  live.tick(40);
  expect(live.of("p")).toMatchObject({ bytesInPerSecond: 100, participant: { quality: "good", relayedMonitors: 0 } });
  const { step } = live.tick(50);
  expect(live.series.size).toBe(0);
  expect(step.webrtc).toMatchObject({ meetings: 0, participants: 0, bytesInPerSecond: 0 });
});

test("a page opened long before its call does not linger for as long when it leaves", () => {
  const live = new Live();
  const page = live.page("m", "p", "tab", -3600);
  page.send(10, { direct: { good: 10 }, received: 1000 });
  page.send(20, { direct: { good: 20 }, received: 2000 });
  live.tick(39);
  expect(live.series.size).toBe(1);
  live.tick(41);
  expect(live.series.size).toBe(0);
});
