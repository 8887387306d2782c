/**
 * Sizes recorded into cells of our own: much less work a request than the SDK's instruments, because attributes are looked up
 * once and not at each measurement. Views do not apply to cells and one reader takes them, so only `register` uses them.
 */

import type {
  Bind,
  BoundCounter,
  BoundHistogram,
  SizeHistogramOptions,
  SizeInstrumentOptions,
  SizeInstruments,
} from "../size-instruments.ts";
import { ByteSum, type ExplicitHistogramValue, type ExponentialHistogramValue } from "./aggregate.ts";
import { CellInstrument, type CellPoint, type CellTemporality } from "./cell-instrument.ts";
import { ExplicitHistogram } from "./explicit-histogram.ts";
import { ExponentialHistogram } from "./exponential-histogram.ts";

/** How histograms keep their values. */
export type HistogramAggregation =
  | { readonly kind: "explicit" }
  | { readonly kind: "exponential"; readonly maxSize: number };

/** Options of {@link CellInstruments}. */
export interface CellInstrumentsOptions {
  readonly histograms: HistogramAggregation;
  /** Most attribute sets that take part in an interval, of a histogram and of a counter. */
  readonly histogramLimit: number;
  readonly counterLimit: number;
}

/** The temporality of each kind of instrument. */
export interface CellTemporalities {
  readonly counter: CellTemporality;
  readonly histogram: CellTemporality;
}

/** One metric of a collection. */
export type CellMetric =
  | CollectedMetric<"counter", number, SizeInstrumentOptions>
  | CollectedMetric<"explicit", ExplicitHistogramValue, SizeHistogramOptions>
  | CollectedMetric<"exponential", ExponentialHistogramValue, SizeHistogramOptions>;

interface CollectedMetric<Kind, Value, Options> {
  readonly kind: Kind;
  readonly options: Options;
  readonly temporality: CellTemporality;
  readonly points: readonly CellPoint<Value>[];
}

interface Instrument {
  readonly bind: Bind<BoundCounter & BoundHistogram>;
  readonly collect: (temporalities: CellTemporalities, timeMillis: number) => CellMetric;
}

/** Instruments whose cells outlive every {@link close}: what was recorded is exported on. */
export class CellInstruments implements SizeInstruments {
  readonly #options: CellInstrumentsOptions;
  readonly #instruments = new Map<string, Instrument>();
  readonly #listeners: (() => void)[] = [];

  /** Has no metrics until instruments are asked for. */
  constructor(options: CellInstrumentsOptions) {
    this.#options = options;
  }

  /** A histogram with the aggregation of the options. */
  histogram(options: SizeHistogramOptions): Bind<BoundHistogram> {
    const { histograms } = this.#options;
    return this.#instrument(options.name, () =>
      histograms.kind === "explicit" ? this.#explicit(options) : this.#exponential(options, histograms.maxSize),
    );
  }

  /** A counter. */
  counter(options: SizeInstrumentOptions): Bind<BoundCounter> {
    return this.#instrument(options.name, () => {
      const cells = new CellInstrument(() => new ByteSum(), this.#options.counterLimit);
      return {
        bind: (attributes) => cells.bind(attributes),
        collect: ({ counter: temporality }, timeMillis) => {
          const points = cells.collect(temporality, timeMillis);
          return { kind: "counter", options, temporality, points };
        },
      };
    });
  }

  /** Calls `listener` at the start of {@link collect}. */
  onCollect(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes what the listeners still have. */
  close(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.length = 0;
  }

  /** Ends an interval at `timeMillis`. Metrics without points are left out. */
  collect(temporalities: CellTemporalities, timeMillis: number): CellMetric[] {
    for (const listener of this.#listeners) listener();
    return [...this.#instruments.values()]
      .map((instrument) => instrument.collect(temporalities, timeMillis))
      .filter(({ points }) => points.length > 0);
  }

  #explicit(options: SizeHistogramOptions): Instrument {
    const cells = new CellInstrument(() => new ExplicitHistogram(options.boundaries), this.#options.histogramLimit);
    return {
      bind: (attributes) => cells.bind(attributes),
      collect: ({ histogram: temporality }, timeMillis) => {
        const points = cells.collect(temporality, timeMillis);
        return { kind: "explicit", options, temporality, points };
      },
    };
  }

  #exponential(options: SizeHistogramOptions, maxSize: number): Instrument {
    const cells = new CellInstrument(() => new ExponentialHistogram(maxSize), this.#options.histogramLimit);
    return {
      bind: (attributes) => cells.bind(attributes),
      collect: ({ histogram: temporality }, timeMillis) => {
        const points = cells.collect(temporality, timeMillis);
        return { kind: "exponential", options, temporality, points };
      },
    };
  }

  #instrument(name: string, make: () => Instrument): Instrument["bind"] {
    let instrument = this.#instruments.get(name);
    if (instrument === undefined) {
      instrument = make();
      this.#instruments.set(name, instrument);
    }
    return instrument.bind;
  }
}
