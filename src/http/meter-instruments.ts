/**
 * Sizes recorded into the instruments of an OpenTelemetry meter, so that Views and every reader apply.
 */

import { ValueType, type Attributes, type Counter, type Meter, type ObservableGauge } from "@opentelemetry/api";
import type {
  Bind,
  BoundCounter,
  BoundHistogram,
  SizeHistogramOptions,
  SizeInstrumentOptions,
  SizeInstruments,
} from "./size-instruments.ts";

const UNIT = "By";

/** The instruments of one meter. */
export class MeterInstruments implements SizeInstruments {
  readonly #meter: Meter;
  readonly #collection: ObservableGauge;
  readonly #listeners: (() => void)[] = [];
  readonly #waiting: WaitingCounter[] = [];
  readonly #onCollect = (): void => {
    for (const listener of this.#listeners) listener();
    this.#flush();
  };

  /** Listens for the collections of `meter` until {@link close}. */
  constructor(meter: Meter) {
    this.#meter = meter;
    // Never observes, so it exports nothing: its callback is how the API tells that a collection begins.
    this.#collection = meter.createObservableGauge("bandwidth.http.server.collection");
    this.#collection.addCallback(this.#onCollect);
  }

  /** The boundaries are advice: a View may choose others, or an exponential histogram. */
  histogram({ name, description, boundaries }: SizeHistogramOptions): Bind<BoundHistogram> {
    const advice = { explicitBucketBoundaries: [...boundaries] };
    const options = { description, unit: UNIT, valueType: ValueType.INT, advice };
    const histogram = this.#meter.createHistogram(name, options);
    return (attributes) => ({ record: (bytes) => histogram.record(bytes, attributes) });
  }

  /** One call to the SDK a collection instead of one a request: the bytes wait beside the attributes. */
  counter({ name, description }: SizeInstrumentOptions): Bind<BoundCounter> {
    const counter = this.#meter.createCounter(name, { description, unit: UNIT, valueType: ValueType.INT });
    return (attributes) => new WaitingCounter(counter, attributes, this.#waiting);
  }

  /** The callback of an observable instrument stands for the collection, which the API does not show otherwise. */
  onCollect(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Hands all waiting bytes to the SDK, once more to the listeners first. */
  close(): void {
    this.#onCollect();
    this.#listeners.length = 0;
    this.#collection.removeCallback(this.#onCollect);
  }

  #flush(): void {
    for (const counter of this.#waiting) counter.flush();
    this.#waiting.length = 0;
  }
}

/** Adds up between collections. */
class WaitingCounter implements BoundCounter {
  readonly #counter: Counter;
  readonly #attributes: Attributes;
  /** Those that were touched since the last collection. */
  readonly #touched: WaitingCounter[];
  #isTouched = false;
  #bytes = 0;

  constructor(counter: Counter, attributes: Attributes, touched: WaitingCounter[]) {
    this.#counter = counter;
    this.#attributes = attributes;
    this.#touched = touched;
  }

  add(bytes: number): void {
    if (this.#isTouched) {
      this.#bytes += bytes;
      return;
    }
    // The first of an interval goes straight in, so that the point starts now and not when it is collected.
    this.#isTouched = true;
    this.#touched.push(this);
    this.#counter.add(bytes, this.#attributes);
  }

  flush(): void {
    this.#isTouched = false;
    if (this.#bytes > 0) this.#counter.add(this.#bytes, this.#attributes);
    this.#bytes = 0;
  }
}
