/** Worker: the quality of video, by what a viewer sees. Thresholds become scores on lines between the levels' bounds. */
import { LEVEL_BOUNDS } from "./quality-level.ts";

/** A point of a line: a measure and its score. */
type Point = readonly [measure: number, score: number];

const { excellent, good, fair } = LEVEL_BOUNDS;

/** Share of time that the picture stood still: 1, 3 and 10 % part the levels. */
const FREEZE_LINE: readonly Point[] = [
  [0, 100],
  [0.01, excellent],
  [0.03, good],
  [0.1, fair],
  [1, 0],
];

/** Share of the expected frames: 90, 70 and 50 % part the levels. */
const FRAME_LINE: readonly Point[] = [
  [0, 0],
  [0.5, fair],
  [0.7, good],
  [0.9, excellent],
  [1, 100],
];

/** Score of a share of time frozen, 0 to 1. */
export function freezeScore(freezeRatio: number): number {
  return onLine(FREEZE_LINE, freezeRatio);
}

/** Score of a share of expected frames, 0 to 1. */
export function frameScore(frameRatio: number): number {
  return onLine(FRAME_LINE, frameRatio);
}

/** Bits that a camera picture wants for each pixel: about 1.4 Mbit/s for 720p at 30 frames a second. */
const BITS_PER_PIXEL = 0.05;

/** Score of a bitrate that the network limits, against what the source's size asks for: 20 points less at a factor of e. */
export function bitrateScore(bitsPerSecond: number, sourcePixelsPerSecond: number): number {
  const expected = sourcePixelsPerSecond * BITS_PER_PIXEL;
  if (bitsPerSecond >= expected) return 100;
  return bitsPerSecond <= 0 ? 0 : Math.max(0, 100 - 20 * Math.log(expected / bitsPerSecond));
}

function onLine(line: readonly Point[], measure: number): number {
  let [lastMeasure, lastScore] = line[0]!;
  if (measure <= lastMeasure) return lastScore;
  for (const [nextMeasure, nextScore] of line) {
    if (measure <= nextMeasure) {
      const span = nextMeasure - lastMeasure;
      return span === 0 ? nextScore : lastScore + ((measure - lastMeasure) / span) * (nextScore - lastScore);
    }
    [lastMeasure, lastScore] = [nextMeasure, nextScore];
  }
  return lastScore;
}
