/**
 * Turns settled exchanges and socket totals into OpenTelemetry instruments.
 */

import { ValueType, type Counter, type Histogram, type Meter, type ObservableGauge } from "@opentelemetry/api";
import type { AttributeSet, AttributeSets } from "./attribute-sets.ts";
import type { ConnectionTotals } from "./connection-totals.ts";
import type { Exchange } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";

/** Bucket bounds of the body sizes, bytes; powers of two around what APIs and downloads send. */
const BODY_SIZE_BOUNDARIES: readonly number[] = [
  0, 128, 512, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

const RECEIVE = Object.freeze({ "network.io.direction": "receive" });
const TRANSMIT = Object.freeze({ "network.io.direction": "transmit" });

/** What {@link SizeMetrics} reads from and reports to. */
export interface SizeMetricsSources {
  readonly attributeSets: AttributeSets;
  readonly totals: ConnectionTotals;
  readonly guard: FaultGuard;
}

/**
 * Our instruments on one meter. A counter's bytes wait beside its attribute set and are added when the SDK collects: one
 * call to the SDK a collection instead of one a request.
 */
export class SizeMetrics {
  readonly #requestBodySize: Histogram;
  readonly #responseBodySize: Histogram;
  readonly #io: Counter;
  readonly #connectionIo: Counter;
  readonly #collection: ObservableGauge;
  readonly #sources: SizeMetricsSources;
  readonly #onCollect: () => void;
  readonly #touched: AttributeSet[] = [];

  /** Makes the instruments on `meter` and listens for its collections until {@link close}. */
  constructor(meter: Meter, sources: SizeMetricsSources) {
    this.#sources = sources;
    this.#requestBodySize = bodySize(meter, "http.server.request.body.size", "Size of HTTP server request bodies.");
    this.#responseBodySize = bodySize(meter, "http.server.response.body.size", "Size of HTTP server response bodies.");
    this.#io = bytes(meter, "bandwidth.http.server.io", "Whole HTTP messages: start line, headers, framing and body.");
    this.#connectionIo = bytes(
      meter,
      "bandwidth.http.server.connection.io",
      "Everything on the sockets of HTTP servers.",
    );
    // A point's start is the moment of its first measurement: this makes it the process's start, not a later one.
    this.#connectionIo.add(0, RECEIVE);
    this.#connectionIo.add(0, TRANSMIT);
    // Never observes, so it exports nothing: its callback is how the API tells that a collection begins.
    this.#collection = meter.createObservableGauge("bandwidth.http.server.collection");
    this.#onCollect = sources.guard.wrap(() => this.flush());
    this.#collection.addCallback(this.#onCollect);
  }

  /**
   * Records a settled exchange. A message without a body has a size, 0: the semantic conventions ask for the size of the
   * payload of every request, and the count then equals the number of requests.
   */
  record(exchange: Exchange): void {
    const set = this.#sources.attributeSets.of(exchange);
    this.#requestBodySize.record(exchange.requestBodyBytes, set.attributes);
    this.#responseBodySize.record(exchange.responseBodyBytes, set.attributes);
    if (set.touched) {
      set.receivedBytes += exchange.receivedBytes;
      set.transmittedBytes += exchange.transmittedBytes;
      return;
    }
    // The first of an interval goes straight in, so that the point starts now and not when it is collected.
    set.touched = true;
    this.#touched.push(set);
    this.#io.add(exchange.receivedBytes, set.receiveAttributes);
    this.#io.add(exchange.transmittedBytes, set.transmitAttributes);
  }

  /** Hands all waiting bytes to the SDK. */
  flush(): void {
    const total = this.#sources.totals.take();
    this.#connectionIo.add(total.receivedBytes, RECEIVE);
    this.#connectionIo.add(total.transmittedBytes, TRANSMIT);
    for (const set of this.#touched) {
      set.touched = false;
      if (set.receivedBytes > 0) this.#io.add(set.receivedBytes, set.receiveAttributes);
      if (set.transmittedBytes > 0) this.#io.add(set.transmittedBytes, set.transmitAttributes);
      set.receivedBytes = 0;
      set.transmittedBytes = 0;
    }
    this.#touched.length = 0;
  }

  /** Hands over what waits and stops listening. */
  close(): void {
    this.flush();
    this.#collection.removeCallback(this.#onCollect);
  }
}

function bodySize(meter: Meter, name: string, description: string): Histogram {
  const advice = { explicitBucketBoundaries: [...BODY_SIZE_BOUNDARIES] };
  return meter.createHistogram(name, { description, unit: "By", valueType: ValueType.INT, advice });
}

function bytes(meter: Meter, name: string, description: string): Counter {
  return meter.createCounter(name, { description, unit: "By", valueType: ValueType.INT });
}
