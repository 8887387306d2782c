/**
 * One metric in cells: an aggregate for each attribute set, collected as the OpenTelemetry SDK collects an instrument.
 */

import type { Attributes } from "@opentelemetry/api";
import type { BoundCounter, BoundHistogram } from "../size-instruments.ts";
import type { Aggregate } from "./aggregate.ts";

/** Takes what finds no room (OpenTelemetry metrics SDK, "Cardinality limits"). */
const OVERFLOW_ATTRIBUTES: Attributes = Object.freeze({ "otel.metric.overflow": true });

/** One point of a collection. */
export interface CellPoint<Value> {
  readonly attributes: Attributes;
  /** Milliseconds since the Unix epoch. */
  readonly startMillis: number;
  readonly value: Value;
}

/** What is added up since the start or since the last collection. */
export type CellTemporality = "cumulative" | "delta";

/** The cells of one metric. */
export class CellInstrument<Value> {
  readonly #makeAggregate: () => Aggregate<Value>;
  readonly #cardinalityLimit: number;
  readonly #cells = new Map<string, Cell<Value>>();
  readonly #overflow: Cell<Value>;
  /** Those recorded to since the last collection, in that order. */
  #active: Cell<Value>[] = [];
  /** All that were ever exported, in that order. */
  readonly #exported: Cell<Value>[] = [];
  #collections = 0;
  #lastCollectionMillis = 0;

  /** At most `cardinalityLimit` attribute sets take part in an interval, the overflow's among them. */
  constructor(makeAggregate: () => Aggregate<Value>, cardinalityLimit: number) {
    this.#makeAggregate = makeAggregate;
    this.#cardinalityLimit = cardinalityLimit;
    this.#overflow = new Cell(OVERFLOW_ATTRIBUTES, makeAggregate(), this);
  }

  /** The cell of `attributes`; the same one for equal attributes. The caller bounds how many there are. */
  bind(attributes: Attributes): Cell<Value> {
    const key = JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = new Cell(attributes, this.#makeAggregate(), this);
      this.#cells.set(key, cell);
    }
    return cell;
  }

  /** The first measurement of an interval: returns the cell that takes it, the overflow past the limit. */
  activate(cell: Cell<Value>): Cell<Value> {
    if (cell !== this.#overflow && this.#active.length >= this.#cardinalityLimit - 1)
      return this.#overflow.isActive ? this.#overflow : this.activate(this.#overflow);
    cell.isActive = true;
    cell.firstMillis ??= Date.now();
    cell.activeMillis = Date.now();
    this.#active.push(cell);
    return cell;
  }

  /**
   * Ends an interval at `timeMillis`. Cumulative points start with their first measurement; a delta starts at the last
   * collection if that had the same attributes, else with its first measurement.
   */
  collect(temporality: CellTemporality, timeMillis: number): CellPoint<Value>[] {
    const active = this.#active;
    this.#active = [];
    this.#collections += 1;
    for (const cell of active) {
      cell.isActive = false;
      if (cell.collection === 0) this.#exported.push(cell);
    }
    const points = temporality === "delta" ? active.map((cell) => this.#delta(cell)) : this.#exported.map(cumulative);
    for (const cell of active) cell.collection = this.#collections;
    this.#lastCollectionMillis = timeMillis;
    return points;
  }

  #delta(cell: Cell<Value>): CellPoint<Value> {
    const goesOn = cell.collection > 0 && cell.collection === this.#collections - 1;
    const startMillis = goesOn ? this.#lastCollectionMillis : cell.activeMillis;
    const point = { attributes: cell.attributes, startMillis, value: cell.aggregate.value() };
    cell.aggregate.reset();
    return point;
  }
}

function cumulative<Value>({ attributes, firstMillis, activeMillis, aggregate }: Cell<Value>): CellPoint<Value> {
  return { attributes, startMillis: firstMillis ?? activeMillis, value: aggregate.value() };
}

/** One attribute set of a metric. */
export class Cell<Value> implements BoundCounter, BoundHistogram {
  readonly attributes: Attributes;
  readonly aggregate: Aggregate<Value>;
  /** Whether it was recorded to since the last collection. */
  isActive: boolean = false;
  /** When it was first recorded to, ever and in this interval. */
  firstMillis: number | undefined = undefined;
  activeMillis: number = 0;
  /** The last collection that it was recorded to before; 0 for none. */
  collection: number = 0;
  readonly #instrument: CellInstrument<Value>;

  /** Made by {@link CellInstrument.bind}. */
  constructor(attributes: Attributes, aggregate: Aggregate<Value>, instrument: CellInstrument<Value>) {
    this.attributes = attributes;
    this.aggregate = aggregate;
    this.#instrument = instrument;
  }

  /** Adds whole bytes. What is no count of bytes is left out, as the SDK does. */
  record(bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes < 0) return;
    const cell = this.isActive ? this : this.#instrument.activate(this);
    cell.aggregate.record(bytes);
  }

  /** The same, as a counter calls it. */
  add(bytes: number): void {
    this.record(bytes);
  }
}
