/** What every store of what is happening now must do, run on each implementation with its real storage. */
import { afterEach, describe, expect, it } from "vitest";
import type {
  RealtimeSeries,
  RealtimeStep,
  RealtimeStore,
  RealtimeWebrtcStep,
} from "../../src/model/realtime-store.ts";
import { valueOf } from "../support/log-entries.ts";
import { httpDimensions, participantSeries, realtimeSeries, realtimeStep } from "../support/realtime-figures.ts";

/** An empty store of two shards. */
export interface RealtimeStoreUnderTest {
  readonly store: RealtimeStore;
  readonly shards: readonly [number, number];
  close(): Promise<void>;
}

const NOW = 1_763_800_000_000;
const WEBRTC_FIGURES: RealtimeWebrtcStep = {
  bytesInPerSecond: 1,
  bytesOutPerSecond: 2,
  meetings: 3,
  participants: 4,
  relayParticipants: 5,
  relayedMonitors: 6,
  relayBytesPerSecond: 7,
  packetsInPerSecond: 8,
  packetsOutPerSecond: 9,
  packetsLostInPerSecond: 10,
  packetsLostOutPerSecond: 11,
};
const METACHARACTERS = "a b\r\n$*\"\\'{}[]__proto__\0é😀";

/** Declares the suite for one implementation. */
export function realtimeStoreContract(name: string, open: () => Promise<RealtimeStoreUnderTest>): void {
  describe(`${name} as a realtime store`, () => {
    const opened: RealtimeStoreUnderTest[] = [];
    const openStore = async (): Promise<TestedStore> => {
      const underTest = await open();
      opened.push(underTest);
      return new TestedStore(underTest);
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    it("is empty at first", async () => {
      const tested = await openStore();
      expect([await tested.series(), await tested.steps()]).toEqual([[], []]);
    });

    it("gives back what was written, whatever characters are in it", async () => {
      const tested = await openStore();
      const connection = {
        quality: "poor",
        relayedMonitors: 2,
        relayBytesPerSecond: 0.25,
        packetsInPerSecond: 3,
        packetsOutPerSecond: 4,
        packetsLostInPerSecond: 5,
        packetsLostOutPerSecond: 6,
      } as const;
      const series = [
        realtimeSeries({
          seriesId: "-9223372036854775808",
          dimensions: httpDimensions({ service: METACHARACTERS, route: METACHARACTERS, statusCode: 503 }),
          bytesInPerSecond: 0.1,
          bytesOutPerSecond: 2 ** 53,
          requestsPerSecond: 3,
          errorsPerSecond: 1 / 3,
          latency: [
            [-1024, 1],
            [7, 12],
          ],
          expiresAtMillis: NOW + 1,
        }),
        { ...participantSeries(METACHARACTERS, "__proto__", connection), seriesId: "9223372036854775807" },
      ];
      const step = realtimeStep({
        atMillis: NOW,
        bytesInPerSecond: 1.5,
        latency: [[1, 2]],
        roundTrip: [[-3, 4]],
        webrtc: { ...WEBRTC_FIGURES, packetsLostOutPerSecond: 1 / 3 },
      });
      await tested.write(0, series, [], step);
      expect([await tested.series(), await tested.steps()]).toEqual([series, [step]]);
    });

    it("keeps what did not change, replaces what did, forgets what was removed", async () => {
      const tested = await openStore();
      await tested.write(0, [rated("1", 10), rated("2", 10), rated("3", 10)], []);
      await tested.write(0, [rated("2", 20)], ["3", "4"]);
      expect(await tested.rates()).toEqual({ "1": 10, "2": 20 });
    });

    it("does not show what has expired, not even when nobody removed it", async () => {
      const tested = await openStore();
      await tested.write(0, [rated("1", 1, NOW + 5000), rated("2", 2, NOW + 10_000)], []);
      expect(await tested.rates(NOW + 4999)).toEqual({ "1": 1, "2": 2 });
      expect(await tested.rates(NOW + 5000)).toEqual({ "2": 2 });
    });

    it("shows the series of all shards, and adds up their steps of the same time", async () => {
      const tested = await openStore();
      const rates = { bytesInPerSecond: 1, bytesOutPerSecond: 2, requestsPerSecond: 3, errorsPerSecond: 4 };
      await tested.write(
        0,
        [rated("1", 1)],
        [],
        realtimeStep({
          ...rates,
          atMillis: NOW,
          latency: [
            [1, 2],
            [5, 1],
          ],
          roundTrip: [[9, 1]],
          webrtc: WEBRTC_FIGURES,
        }),
      );
      await tested.write(
        1,
        [rated("2", 2)],
        [],
        realtimeStep({
          ...rates,
          atMillis: NOW,
          latency: [
            [-4, 1],
            [1, 1],
          ],
          roundTrip: [[9, 2]],
          webrtc: WEBRTC_FIGURES,
        }),
      );
      await tested.write(1, [], [], realtimeStep({ ...rates, atMillis: NOW - 5000 }));
      expect(await tested.rates()).toEqual({ "1": 1, "2": 2 });
      expect(await tested.steps()).toEqual([
        realtimeStep({ ...rates, atMillis: NOW - 5000 }),
        realtimeStep({
          atMillis: NOW,
          bytesInPerSecond: 2,
          bytesOutPerSecond: 4,
          requestsPerSecond: 6,
          errorsPerSecond: 8,
          latency: [
            [-4, 1],
            [1, 3],
            [5, 1],
          ],
          roundTrip: [[9, 3]],
          webrtc: Object.fromEntries(
            Object.entries(WEBRTC_FIGURES).map(([figure, amount]) => [figure, 2 * amount]),
          ) as unknown as RealtimeWebrtcStep,
        }),
      ]);
    });

    it("adds a shard that left out one or two steps with the rates that it had, but nothing that was observed", async () => {
      const tested = await openStore();
      const latency = [[1, 2]] as const;
      const figures = { bytesInPerSecond: 1, latency, roundTrip: latency, webrtc: WEBRTC_FIGURES };
      await tested.write(0, [], [], realtimeStep({ ...figures, atMillis: NOW }));
      for (const index of [0, 1, 2, 3, 5]) {
        await tested.write(1, [], [], realtimeStep({ ...figures, atMillis: NOW + index * 5000 }));
      }
      const now = NOW + 27_000;
      const inBytes = (await tested.steps(now)).map((step) => [step.atMillis - NOW, step.bytesInPerSecond]);
      expect(inBytes).toEqual([
        [0, 2],
        [5000, 2],
        [10_000, 2],
        [15_000, 1],
        [25_000, 1],
      ]);
      const [first, second] = await tested.steps(now);
      expect(first).toMatchObject({ latency: [[1, 4]], roundTrip: [[1, 4]] });
      expect(second).toMatchObject({ latency, roundTrip: latency, webrtc: first!.webrtc });
    });

    it("adds a shard that has not written the newest step yet with the rates that it had, and as it is once it has", async () => {
      const tested = await openStore();
      for (const shard of [0, 1] as const) {
        await tested.write(shard, [], [], realtimeStep({ atMillis: NOW, requestsPerSecond: 3 }));
      }
      await tested.write(0, [], [], realtimeStep({ atMillis: NOW + 5000, requestsPerSecond: 4 }));
      const newest = async () => (await tested.steps(NOW + 6000)).at(-1)!.requestsPerSecond;
      expect(await newest()).toBe(7);
      await tested.write(1, [], [], realtimeStep({ atMillis: NOW + 5000, requestsPerSecond: 0 }));
      expect(await newest()).toBe(4);
    });

    it("takes the last word on a step that is written twice", async () => {
      const tested = await openStore();
      await tested.write(0, [], [], realtimeStep({ atMillis: NOW, requestsPerSecond: 1 }));
      await tested.write(0, [], [], realtimeStep({ atMillis: NOW, requestsPerSecond: 2 }));
      expect(await tested.steps()).toEqual([realtimeStep({ atMillis: NOW, requestsPerSecond: 2 })]);
    });

    it("shows the last 300 s of steps, oldest first, however long it runs", async () => {
      const tested = await openStore();
      for (let index = 0; index < 150; index += 1) {
        await tested.write(0, [], [], realtimeStep({ atMillis: NOW + index * 5000, requestsPerSecond: index }));
      }
      const steps = await tested.steps(NOW + 149 * 5000);
      expect(steps.map((step) => step.requestsPerSecond)).toEqual(Array.from({ length: 60 }, (_, index) => 90 + index));
      expect(await tested.steps(NOW + 149 * 5000 + 300_000)).toEqual([]);
    });

    it("takes thousands of series at once", async () => {
      const tested = await openStore();
      const all = Array.from({ length: 2500 }, (_, index) => rated(String(index), index));
      await tested.write(0, all, []);
      expect((await tested.series()).length).toBe(2500);
      await tested.write(
        0,
        [],
        all.slice(0, 2400).map((one) => one.seriesId),
      );
      expect(Object.keys(await tested.rates()).length).toBe(100);
    });
  });
}

function rated(seriesId: string, bytesInPerSecond: number, expiresAtMillis: number = NOW + 10_000): RealtimeSeries {
  return realtimeSeries({ seriesId, bytesInPerSecond, expiresAtMillis });
}

/** A store with shorter words. */
class TestedStore {
  readonly #underTest: RealtimeStoreUnderTest;

  constructor(underTest: RealtimeStoreUnderTest) {
    this.#underTest = underTest;
  }

  async write(
    shard: 0 | 1,
    changed: readonly RealtimeSeries[],
    removed: readonly string[],
    step?: RealtimeStep,
  ): Promise<void> {
    const { store, shards } = this.#underTest;
    valueOf(
      await store.update({ shard: shards[shard], changed, removed, step: step ?? realtimeStep({ atMillis: NOW }) }),
    );
  }

  async series(nowMillis: number = NOW): Promise<readonly RealtimeSeries[]> {
    const series = valueOf(await this.#underTest.store.snapshot(nowMillis));
    return [...series].sort((left, right) => (BigInt(left.seriesId) < BigInt(right.seriesId) ? -1 : 1));
  }

  async steps(nowMillis: number = NOW): Promise<readonly RealtimeStep[]> {
    return valueOf(await this.#underTest.store.steps(nowMillis));
  }

  async rates(nowMillis: number = NOW): Promise<Readonly<Record<string, number>>> {
    const series = await this.series(nowMillis);
    return Object.fromEntries(series.map((one) => [one.seriesId, one.bytesInPerSecond]));
  }
}
