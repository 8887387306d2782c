/**
 * Turns settled exchanges and socket totals into measurements.
 */

import type { Attributes } from "@opentelemetry/api";
import { AttributeSets } from "./attribute-sets.ts";
import { bodySizeHistograms, type BodySizeSeries } from "./body-size-histograms.ts";
import type { ConnectionTotals } from "./connection-totals.ts";
import type { Exchange } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";
import type { BoundCounter, SizeInstruments } from "./size-instruments.ts";

const RECEIVE: Attributes = Object.freeze({ "network.io.direction": "receive" });
const TRANSMIT: Attributes = Object.freeze({ "network.io.direction": "transmit" });

/** What {@link SizeMetrics} reads from and reports to. */
export interface SizeMetricsSources {
  readonly totals: ConnectionTotals;
  readonly guard: FaultGuard;
  /** Most attribute sets that are kept. */
  readonly maxAttributeSets: number;
}

/** Where the sizes of exchanges with equal attributes go. */
interface ExchangeSeries extends BodySizeSeries {
  readonly received: BoundCounter;
  readonly transmitted: BoundCounter;
}

/** Our metrics on one set of instruments. */
export class SizeMetrics {
  readonly #instruments: SizeInstruments;
  readonly #series: AttributeSets<ExchangeSeries>;

  /** Makes the instruments and takes the sockets' totals at each collection until {@link close}. */
  constructor(instruments: SizeInstruments, { totals, guard, maxAttributeSets }: SizeMetricsSources) {
    this.#instruments = instruments;
    const bodySizes = bodySizeHistograms(instruments, "server");
    const io = instruments.counter({
      name: "bandwidth.http.server.io",
      description: "Whole HTTP messages: start line, headers, framing and body.",
    });
    const connectionIo = instruments.counter({
      name: "bandwidth.http.server.connection.io",
      description: "Everything on the sockets of HTTP servers.",
    });
    this.#series = new AttributeSets(maxAttributeSets, ({ attributes, receiveAttributes, transmitAttributes }) => ({
      ...bodySizes(attributes),
      received: io(receiveAttributes),
      transmitted: io(transmitAttributes),
    }));
    const received = connectionIo(RECEIVE);
    const transmitted = connectionIo(TRANSMIT);
    // A point's start is the moment of its first measurement: this makes it the process's start, not a later one.
    received.add(0);
    transmitted.add(0);
    instruments.onCollect(
      guard.wrap(() => {
        const total = totals.take();
        received.add(total.receivedBytes);
        transmitted.add(total.transmittedBytes);
      }),
    );
  }

  /**
   * Records a settled exchange. A message without a body has a size, 0: the semantic conventions ask for the size of the
   * payload of every request, and the count then equals the number of requests.
   */
  record(exchange: Exchange): void {
    const series = this.#series.of(exchange);
    series.requestBody.record(exchange.requestBodyBytes);
    series.responseBody.record(exchange.responseBodyBytes);
    // Nobody knows the size of an HTTP/2 message: it has no point rather than one of 0.
    if (exchange.receivedBytes === 0 && exchange.transmittedBytes === 0) return;
    series.received.add(exchange.receivedBytes);
    series.transmitted.add(exchange.transmittedBytes);
  }

  /** Changes how many attribute sets are kept; those there are stay. */
  set maxAttributeSets(limit: number) {
    this.#series.limit = limit;
  }

  /** Hands over what waits and stops listening. */
  close(): void {
    this.#instruments.close();
  }
}
