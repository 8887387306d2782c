import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AudioMeasures, audioScore } from "../../src/browser/audio-score.ts";
import { FREEZE_WINDOW_SECONDS, FreezeWindow } from "../../src/browser/freeze-window.ts";
import type { Assessment } from "../../src/browser/quality-assessment.ts";
import { isWorse, levelOf, type QualityLevel, worstLevel } from "../../src/browser/quality-level.ts";
import { type Quality, QualityTracker } from "../../src/browser/quality-tracker.ts";
import { bitrateScore, frameScore, freezeScore } from "../../src/browser/video-score.ts";

const CLEAR: AudioMeasures = { lossRatio: 0, roundTripSeconds: 0, jitterSeconds: 0, bufferSeconds: undefined };

describe("the score of audio", () => {
  // 85 ms in one direction: 30 ms of the network, 35 ms of buffer, 20 ms of processing.
  it.each([
    [0, 91],
    [0.01, 83],
    [0.03, 71],
    [0.05, 63],
    [0.1, 49],
  ])("at a loss of %d is %d", (lossRatio, score) => {
    const measures = { lossRatio, roundTripSeconds: 0.06, bufferSeconds: 0.035, jitterSeconds: undefined };
    expect(Math.round(audioScore(measures)!)).toBe(score);
  });

  it("falls with a long round trip alone", () => {
    expect(levelOf(audioScore({ ...CLEAR, roundTripSeconds: 0.6, bufferSeconds: 0.045 })!)).toBe("fair");
    expect(levelOf(audioScore({ ...CLEAR, roundTripSeconds: 1 })!)).toBe("poor");
  });

  it("is unknown without buffer and jitter", () => {
    expect(audioScore({ ...CLEAR, jitterSeconds: undefined })).toBeUndefined();
  });

  const measures = fc.record({
    lossRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    roundTripSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
    jitterSeconds: fc.double({ min: 0, max: 5, noNaN: true }),
    bufferSeconds: fc.option(fc.double({ min: 0, max: 5, noNaN: true }), { nil: undefined }),
  });

  it("lies between 0 and 100", () => {
    fc.assert(
      fc.property(measures, (given) => {
        const score = audioScore(given)!;
        expect(score >= 0 && score <= 100).toBe(true);
      }),
    );
  });

  it.each(["lossRatio", "roundTripSeconds", "jitterSeconds", "bufferSeconds"] as const)(
    "never rises with %s",
    (name) => {
      fc.assert(
        fc.property(measures, fc.double({ min: 0, max: 1, noNaN: true }), (given, more) => {
          const value = given[name];
          const limit = name === "lossRatio" ? 1 : Number.POSITIVE_INFINITY;
          const worse = { ...given, [name]: value === undefined ? undefined : Math.min(limit, value + more) };
          expect(audioScore(worse)!).toBeLessThanOrEqual(audioScore(given)!);
        }),
      );
    },
  );

  it("falls clearly with loss, with round trip and with jitter, where there is room to fall", () => {
    const score = audioScore(CLEAR)!;
    expect(audioScore({ ...CLEAR, lossRatio: 0.05 })!).toBeLessThan(score - 10);
    expect(audioScore({ ...CLEAR, roundTripSeconds: 0.8 })!).toBeLessThan(score - 10);
    expect(audioScore({ ...CLEAR, jitterSeconds: 0.3 })!).toBeLessThan(score - 10);
  });
});

describe("the score of video", () => {
  it.each([
    [0, "excellent"],
    [0.01, "excellent"],
    [0.02, "good"],
    [0.05, "fair"],
    [0.11, "poor"],
    [1, "poor"],
  ])("with the share %d of the time frozen is %s", (ratio, level) => {
    expect(levelOf(freezeScore(ratio))).toBe(level);
  });

  it.each([
    [1, "excellent"],
    [0.9, "excellent"],
    [0.75, "good"],
    [0.55, "fair"],
    [0.4, "poor"],
    [0, "poor"],
  ])("with the share %d of the frames is %s", (ratio, level) => {
    expect(levelOf(frameScore(ratio))).toBe(level);
  });

  it("loses 20 points for each factor of e that the bitrate lacks", () => {
    const pixels = 1_280 * 720 * 30;
    expect(bitrateScore(2_000_000, pixels)).toBe(100);
    expect(bitrateScore((pixels * 0.05) / Math.E, pixels)).toBeCloseTo(80, 6);
    expect(bitrateScore(0, pixels)).toBe(0);
    expect(bitrateScore(1, pixels)).toBe(0);
  });

  it("never rises as things get worse", () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(ratio, ratio, (a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(freezeScore(more)).toBeLessThanOrEqual(freezeScore(less));
        expect(frameScore(less)).toBeLessThanOrEqual(frameScore(more));
        expect(bitrateScore(less * 1e6, 1e7)).toBeLessThanOrEqual(bitrateScore(more * 1e6, 1e7));
      }),
    );
  });
});

describe("the share of time frozen", () => {
  it("is that of the last seconds, and is forgotten after them", () => {
    const window = new FreezeWindow();
    for (let second = 0; second < FREEZE_WINDOW_SECONDS; second += 1) window.update(0, 1);
    expect(window.update(0.5, 1)).toBeCloseTo(0.05, 10);
    for (let second = 1; second < FREEZE_WINDOW_SECONDS; second += 1) expect(window.update(0, 1)).toBeCloseTo(0.05, 10);
    expect(window.update(0, 1)).toBe(0);
  });

  it("does not call a first short freeze all there is", () => {
    expect(new FreezeWindow().update(0.2, 1)).toBeCloseTo(0.04, 10);
  });

  it("is all of it after a freeze longer than the window, told when it ends", () => {
    expect(new FreezeWindow().update(30, 1)).toBe(1);
  });

  it("is unknown while no video comes", () => {
    const window = new FreezeWindow();
    window.update(1, 1);
    expect(window.update(undefined, 1)).toBeUndefined();
    expect(window.update(0, 1)).toBe(0);
  });
});

describe("the worst of several levels", () => {
  it.each<[QualityLevel[], QualityLevel]>([
    [[], "unknown"],
    [["unknown", "unknown"], "unknown"],
    [["unknown", "excellent"], "excellent"],
    [["good", "poor", "unknown", "fair"], "poor"],
  ])("of %j is %s", (levels, worst) => {
    expect(worstLevel(levels)).toBe(worst);
  });
});

/** Gives a tracker a score at each tick, and the levels after it. */
function track(tracker: QualityTracker, scores: readonly (number | undefined)[]): QualityLevel[] {
  return scores.map((score) => tracker.update(assessmentOf(score)).level);
}

function assessmentOf(score: number | undefined): Assessment | undefined {
  return score === undefined ? undefined : { score, reason: "received_audio_loss" };
}

function many(count: number, score: number | undefined): (number | undefined)[] {
  return Array.from({ length: count }, () => score);
}

describe("the level that is reported", () => {
  it("is unknown until two ticks in a row are known", () => {
    expect(track(new QualityTracker(), [90, undefined, 90, 90])).toEqual([
      "unknown",
      "unknown",
      "unknown",
      "excellent",
    ]);
  });

  it("falls after two ticks", () => {
    expect(track(new QualityTracker(), [90, 90, 30, 30])).toEqual(["unknown", "excellent", "excellent", "poor"]);
  });

  it("does not fall for one bad tick in many", () => {
    const tracker = new QualityTracker();
    track(tracker, many(5, 92));
    for (let round = 0; round < 10; round += 1) expect(track(tracker, [79, ...many(4, 92)])).not.toContain("good");
  });

  it("rises after five ticks beyond the bound and its dead band", () => {
    const tracker = new QualityTracker();
    expect(track(tracker, many(2, 40))).toEqual(["unknown", "poor"]);
    const levels = track(tracker, many(12, 100));
    const smoothed = (ticks: number): number => 100 - 60 * 0.6 ** ticks;
    const firstBeyond = Array.from({ length: 12 }, (_, tick) => tick + 1).find((tick) => smoothed(tick) >= 63)!;
    expect(levels.findIndex((level) => level !== "poor")).toBe(firstBeyond - 1 + 4);
    expect(levels.at(-1)).toBe("excellent");
  });

  it("stays within the dead band on both sides of a bound", () => {
    const [above, below] = [new QualityTracker(), new QualityTracker()];
    expect(track(above, many(2, 81)).at(-1)).toBe("excellent");
    expect(track(above, many(30, 78)).at(-1)).toBe("excellent");
    expect(track(below, many(2, 79)).at(-1)).toBe("good");
    expect(track(below, many(30, 82)).at(-1)).toBe("good");
    expect(track(below, many(30, 84)).at(-1)).toBe("excellent");
  });

  it("holds for four ticks without data, then is unknown without score and reason", () => {
    const tracker = new QualityTracker();
    track(tracker, many(2, 75));
    expect(track(tracker, many(4, undefined))).toEqual(many(4, "good" as never));
    expect(tracker.update(undefined)).toEqual({ level: "unknown", score: undefined, reason: "none" } satisfies Quality);
  });

  it("changes at most once in five ticks upwards and in two downwards, whatever the scores", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 3, maxLength: 100 });
    fc.assert(
      fc.property(scores, (given) => {
        const levels = track(new QualityTracker(), given);
        let lastChange = 1;
        for (let tick = 2; tick < levels.length; tick += 1) {
          if (levels[tick] === levels[tick - 1]) continue;
          expect(tick - lastChange).toBeGreaterThanOrEqual(isWorse(levels[tick]!, levels[tick - 1]!) ? 2 : 5);
          lastChange = tick;
        }
      }),
    );
  });

  it("ends at the level of a score that lasts", () => {
    const scores = fc.array(fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }), { maxLength: 30 });
    fc.assert(
      fc.property(scores, fc.constantFrom(30, 65, 75, 95), (before, score) => {
        expect(track(new QualityTracker(), [...before, ...many(40, score)]).at(-1)).toBe(levelOf(score));
      }),
    );
  });
});
