/** Worker: the levels that quality is reported in, on a scale of 0 to 100 that is the R of ITU-T G.107 for audio. */

/** From best to worst; `unknown` where there is nothing to judge by. */
export type QualityLevel = "excellent" | "good" | "fair" | "poor" | "unknown";

/** The lowest score of each level above `poor`. */
export const LEVEL_BOUNDS = { excellent: 80, good: 70, fair: 60 } as const;

const WORST_FIRST: readonly QualityLevel[] = ["poor", "fair", "good", "excellent", "unknown"];

/** The level of a score. */
export function levelOf(score: number): Exclude<QualityLevel, "unknown"> {
  if (score >= LEVEL_BOUNDS.excellent) return "excellent";
  if (score >= LEVEL_BOUNDS.good) return "good";
  return score >= LEVEL_BOUNDS.fair ? "fair" : "poor";
}

/** The worst of several levels; `unknown` only when all are. */
export function worstLevel(levels: Iterable<QualityLevel>): QualityLevel {
  let worst = WORST_FIRST.length - 1;
  for (const level of levels) worst = Math.min(worst, WORST_FIRST.indexOf(level));
  return WORST_FIRST[worst] ?? "unknown";
}

/** Whether one known level is worse than another. */
export function isWorse(level: QualityLevel, than: QualityLevel): boolean {
  return WORST_FIRST.indexOf(level) < WORST_FIRST.indexOf(than);
}
