/**
 * Worker: which series have changed since the receiver last acknowledged them. Values are cumulative, so what was not
 * acknowledged is simply told again with its newest value: nothing is queued, whatever the time offline.
 */

/** One export that is on its way. */
export interface PendingExport {
  /** The receiver has it: from now on its values are what later ones are compared with. */
  acknowledge(): void;
}

/** Remembers what was acknowledged. Series are few: their number is bounded by the metrics and their attributes. */
export class AcknowledgedSeries {
  readonly #acknowledged = new Map<string, number>();
  #pendings = 0;
  #lastAcknowledged = 0;

  /**
   * Picks what changed.
   * @param current a number for each series that changes whenever the series does: a counter's value, a histogram's count
   */
  changes(current: ReadonlyMap<string, number>): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const [series, value] of current) {
      if (this.#acknowledged.get(series) !== value) changed.add(series);
    }
    return changed;
  }

  /** An export of these values begins. Acknowledgements may come in any order or never: an older one takes nothing back. */
  begin(exported: ReadonlyMap<string, number>): PendingExport {
    this.#pendings += 1;
    const turn = this.#pendings;
    return {
      acknowledge: () => {
        if (turn < this.#lastAcknowledged) return;
        this.#lastAcknowledged = turn;
        for (const [series, value] of exported) this.#acknowledged.set(series, value);
      },
    };
  }
}
