/**
 * Worker: from scores that jump to a level that does not flap: smoothed, with a dead band around each bound, quick to fall
 * and slow to rise.
 */
import type { Assessment, QualityReason } from "./quality-assessment.ts";
import { isWorse, levelOf, type QualityLevel } from "./quality-level.ts";

/** Weight of a new score in the smoothed one. */
const WEIGHT_FALLING = 0.8;
const WEIGHT_RISING = 0.4;
/** A smoothed score must pass a bound by so much. */
const DEAD_BAND = 3;
const TICKS_TO_FALL = 2;
const TICKS_TO_RISE = 5;
/** From and to `unknown`. */
const TICKS_TO_KNOW = 2;
const TICKS_TO_FORGET = 5;

/** The quality of a connection as it is reported. */
export interface Quality {
  readonly level: QualityLevel;
  /** Smoothed, 0 to 100; `undefined` while the level is unknown. */
  readonly score: number | undefined;
  /** What holds the score down; `none` while the level is excellent or unknown. */
  readonly reason: QualityReason;
}

type Direction = "fall" | "rise" | "know" | "forget" | "stay";

/** Follows the level of one connection. */
export class QualityTracker {
  #level: QualityLevel = "unknown";
  #smoothed: number | undefined;
  #reason: QualityReason = "none";
  #direction: Direction = "stay";
  #ticks = 0;

  /** Takes the assessment of a tick and gives the level that holds after it. */
  update(assessment: Assessment | undefined): Quality {
    if (assessment === undefined) this.#miss();
    else this.#take(assessment);
    const level = this.#level;
    if (level === "unknown") return { level, score: undefined, reason: "none" };
    return { level, score: this.#smoothed, reason: level === "excellent" ? "none" : this.#reason };
  }

  #miss(): void {
    if (this.#count("forget") < TICKS_TO_FORGET) return;
    this.#level = "unknown";
    this.#smoothed = undefined;
    this.#reason = "none";
  }

  #take({ score, reason }: Assessment): void {
    const last = this.#smoothed ?? score;
    const smoothed = last + (score - last) * (score < last ? WEIGHT_FALLING : WEIGHT_RISING);
    this.#smoothed = smoothed;
    this.#reason = reason;
    if (this.#level === "unknown") {
      if (this.#count("know") >= TICKS_TO_KNOW) this.#settle(levelOf(smoothed));
      return;
    }
    const [floor, ceiling] = [levelOf(smoothed - DEAD_BAND), levelOf(smoothed + DEAD_BAND)];
    if (isWorse(ceiling, this.#level)) {
      if (this.#count("fall") >= TICKS_TO_FALL) this.#settle(ceiling);
    } else if (isWorse(this.#level, floor)) {
      if (this.#count("rise") >= TICKS_TO_RISE) this.#settle(floor);
    } else {
      this.#count("stay");
    }
  }

  /** How many ticks in a row have gone this way. */
  #count(direction: Direction): number {
    this.#ticks = direction === this.#direction ? this.#ticks + 1 : 1;
    this.#direction = direction;
    return this.#ticks;
  }

  #settle(level: QualityLevel): void {
    this.#level = level;
    this.#direction = "stay";
    this.#ticks = 0;
  }
}
