/**
 * Worker: the share of recent time that video stood still. A freeze is told when it ends, with all of its length, so one
 * tick alone says either nothing or too much.
 */

/** Time that the share is taken over, seconds. */
export const FREEZE_WINDOW_SECONDS = 10;
/** What was followed for less than this counts as this long, so that a first short freeze is not all there is. */
const SHORTEST_SPAN_SECONDS = 5;

/** The freezes of the last {@link FREEZE_WINDOW_SECONDS}. */
export class FreezeWindow {
  #ticks: { readonly frozenSeconds: number; readonly seconds: number }[] = [];

  /**
   * Takes a tick.
   * @param freezeRatio of the tick; `undefined` when no video came: the window then begins anew
   * @returns the share of the window, 0 to 1
   */
  update(freezeRatio: number | undefined, intervalSeconds: number | undefined): number | undefined {
    if (freezeRatio === undefined || intervalSeconds === undefined) {
      this.#ticks = [];
      return undefined;
    }
    this.#ticks.push({ frozenSeconds: freezeRatio * intervalSeconds, seconds: intervalSeconds });
    let span = this.#total("seconds");
    while (this.#ticks.length > 1 && span - this.#ticks[0]!.seconds >= FREEZE_WINDOW_SECONDS) {
      span -= this.#ticks.shift()!.seconds;
    }
    return Math.min(1, this.#total("frozenSeconds") / Math.max(span, SHORTEST_SPAN_SECONDS));
  }

  #total(name: "seconds" | "frozenSeconds"): number {
    return this.#ticks.reduce((sum, tick) => sum + tick[name], 0);
  }
}
