/** The time of a simulation: it stands still while something happens and jumps from event to event. */
import type { Timer } from "../../src/model/clock.ts";
import { settled } from "../support/fake-clock.ts";
import { EventHeap, type SimulatedEvent } from "./event-heap.ts";

/** Virtual time and what will happen in it. */
export class VirtualTime {
  /** Milliseconds since the simulation began. */
  nowMillis = 0;
  readonly #heap = new EventHeap();
  #order = 0;

  /** Lets something happen after a while; at least in an event of its own. */
  after(delayMillis: number, action: () => void): Timer {
    const event: SimulatedEvent = {
      atMillis: this.nowMillis + Math.max(0, delayMillis),
      order: this.#order++,
      action,
      cancelled: false,
    };
    this.#heap.push(event);
    return { clear: () => void (event.cancelled = true) };
  }

  /** Lets the next event happen, and all that follows from it at the same moment. False: nothing will happen any more. */
  async step(): Promise<boolean> {
    let event = this.#heap.pop();
    while (event?.cancelled) event = this.#heap.pop();
    if (event === undefined) return false;
    this.nowMillis = event.atMillis;
    event.action();
    await settled();
    return true;
  }
}
