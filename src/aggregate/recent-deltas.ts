/**
 * Fold, inside: which delta data was accepted lately, so that what a sender repeats is counted once. Bodies are known by
 * their hash, points by a 64-bit hash of (stream, start, time, value). Old generations are let go as receive time moves on.
 */

/** Open addressing over pairs of 32-bit words; it only grows. The pair 0,0 stands for an empty place. */
class PairSet {
  #words = new Uint32Array(128);
  #used = 0;

  has(high: number, low: number): boolean {
    return this.#words[this.#place(high, low)] !== 0 || this.#words[this.#place(high, low) + 1] !== 0;
  }

  add(high: number, low: number): void {
    const place = this.#place(high, low);
    if (this.#words[place] !== 0 || this.#words[place + 1] !== 0) return;
    this.#words[place] = high;
    this.#words[place + 1] = low;
    this.#used++;
    if (this.#used * 4 > this.#words.length) this.#grow();
  }

  get size(): number {
    return this.#used;
  }

  #place(high: number, low: number): number {
    const mask = this.#words.length - 1;
    let place = (low << 1) & mask;
    while (
      (this.#words[place] !== 0 || this.#words[place + 1] !== 0) &&
      (this.#words[place] !== high || this.#words[place + 1] !== low)
    ) {
      place = (place + 2) & mask;
    }
    return place;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] === 0 && old[at + 1] === 0) continue;
      const place = this.#place(old[at]!, old[at + 1]!);
      this.#words[place] = old[at]!;
      this.#words[place + 1] = old[at + 1]!;
    }
  }
}

/** The first 64 bits of a body's hash, which are as good as those of a point. */
function pairOf(bodyHash: string): readonly [high: number, low: number] {
  return [Number.parseInt(bodyHash.slice(0, 8), 16), Number.parseInt(bodyHash.slice(8, 16), 16) || 1];
}

interface Generation {
  readonly startedAtMillis: number;
  newestMillis: number;
  /** Newest time of its points. */
  newestPointMillis: number;
  /** Points and bodies. */
  readonly points: PairSet;
}

/** Generations in one age: the more, the less is kept past its age. */
const GENERATIONS_PER_AGE = 4;
/**
 * So many are kept whatever their age: receive times that jump ahead, because a clock did, must not make us forget what senders may
 * repeat once it is right again. Room for a whole age, and for two jumps.
 */
const MIN_GENERATIONS = GENERATIONS_PER_AGE + 3;

/** What was accepted within an age. */
export class RecentDeltas {
  readonly #ageMillis: number;
  readonly #maxPoints: number;
  #generations: Generation[] = [];
  #forgottenThroughMillis = 0;

  /**
   * `ageMillis`: how long what was accepted is known at least; `maxPoints`: more than that many are not kept, the oldest
   * generation goes first.
   */
  constructor(ageMillis: number, maxPoints: number) {
    this.#ageMillis = ageMillis;
    this.#maxPoints = maxPoints;
  }

  /**
   * Point time up to which something was forgotten before its age because there was too much; 0 when nothing was.
   * A delta point of that time or before cannot be told from a repeated one.
   */
  get forgottenThroughMillis(): number {
    return this.#forgottenThroughMillis;
  }

  /** Whether a body with this hash was accepted. */
  hasBody(hash: string): boolean {
    const [high, low] = pairOf(hash);
    return this.hasPoint(high, low);
  }

  /** Whether a point with this hash was accepted. */
  hasPoint(high: number, low: number): boolean {
    for (const { points } of this.#generations) if (points.has(high, low)) return true;
    return false;
  }

  /** Remembers a body. */
  addBody(hash: string, receivedAtMillis: number): void {
    const [high, low] = pairOf(hash);
    this.#generation(receivedAtMillis).points.add(high, low);
  }

  /** Remembers a point; its hash must not be 0,0. */
  addPoint(high: number, low: number, receivedAtMillis: number, pointMillis: number): void {
    const generation = this.#generation(receivedAtMillis);
    generation.points.add(high, low);
    generation.newestPointMillis = Math.max(generation.newestPointMillis, pointMillis);
  }

  #generation(receivedAtMillis: number): Generation {
    const newest = this.#generations.at(-1);
    if (newest && receivedAtMillis < newest.startedAtMillis + this.#ageMillis / GENERATIONS_PER_AGE) {
      newest.newestMillis = Math.max(newest.newestMillis, receivedAtMillis);
      if (newest.points.size * GENERATIONS_PER_AGE <= this.#maxPoints) return newest;
    }
    const generation: Generation = {
      startedAtMillis: receivedAtMillis,
      newestMillis: receivedAtMillis,
      newestPointMillis: 0,
      points: new PairSet(),
    };
    this.#generations.push(generation);
    this.#forget(receivedAtMillis);
    return generation;
  }

  #forget(nowMillis: number): void {
    const firstKept = this.#generations.length - MIN_GENERATIONS;
    this.#generations = this.#generations.filter(
      ({ newestMillis }, index) => index >= firstKept || newestMillis >= nowMillis - this.#ageMillis,
    );
    let points = 0;
    for (const generation of this.#generations) points += generation.points.size;
    while (points > this.#maxPoints && this.#generations.length > 1) {
      const oldest = this.#generations.shift()!;
      points -= oldest.points.size;
      this.#forgottenThroughMillis = Math.max(this.#forgottenThroughMillis, oldest.newestPointMillis);
    }
  }
}
