/**
 * The port between what is counted and where it is added up: instruments of a meter (`MeterInstruments`) or cells of our own
 * (`CellInstruments`).
 */

import type { Attributes } from "@opentelemetry/api";

/** The name and meaning of an instrument of whole bytes. */
export interface SizeInstrumentOptions {
  readonly name: string;
  readonly description: string;
}

/** A histogram of sizes. */
export interface SizeHistogramOptions extends SizeInstrumentOptions {
  /** Upper bounds of its buckets, bytes, ascending; only used by explicit buckets. */
  readonly boundaries: readonly number[];
}

/** A histogram with the attributes of all its measurements. */
export interface BoundHistogram {
  /** Adds a size, whole bytes. */
  record(bytes: number): void;
}

/** A counter with the attributes of all its measurements. */
export interface BoundCounter {
  /** Adds whole bytes. */
  add(bytes: number): void;
}

/** Gives what is recorded with `attributes` its place. Called once an attribute set, not once a request. */
export type Bind<T> = (attributes: Attributes) => T;

/** Makes instruments. The same name gives the same instrument. */
export interface SizeInstruments {
  /** A histogram, unit `By`. */
  histogram(options: SizeHistogramOptions): Bind<BoundHistogram>;
  /** A counter, unit `By`. */
  counter(options: SizeInstrumentOptions): Bind<BoundCounter>;
  /** Calls `listener` when a collection begins, until {@link close}. It must not throw. */
  onCollect(listener: () => void): void;
  /** Hands over what waits and stops listening. What was recorded is still exported. */
  close(): void;
}
