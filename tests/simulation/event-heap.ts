/** What is to happen in a simulation, by time; of the same time, in the order in which it was asked for. */

/** Something that will happen. */
export interface SimulatedEvent {
  readonly atMillis: number;
  readonly order: number;
  readonly action: () => void;
  /** Set: it does not happen. */
  cancelled: boolean;
}

/** A binary heap of events, the next one first. */
export class EventHeap {
  readonly #events: SimulatedEvent[] = [];

  /** Adds an event. */
  push(event: SimulatedEvent): void {
    const events = this.#events;
    let place = events.length;
    events.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[place] = events[parent]!;
      place = parent;
    }
    events[place] = event;
  }

  /** Takes the next event, if there is any. */
  pop(): SimulatedEvent | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, last)) break;
      events[place] = events[child]!;
      place = child;
    }
    events[place] = last;
    return first;
  }
}

function isBefore(left: SimulatedEvent, right: SimulatedEvent): boolean {
  return left.atMillis === right.atMillis ? left.order < right.order : left.atMillis < right.atMillis;
}
