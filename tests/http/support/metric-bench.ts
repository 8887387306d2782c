/**
 * An SDK with a reader that collects when told to, and plain readings of the points it holds.
 */

import type { Attributes } from "@opentelemetry/api";
import { DataPointType, MeterProvider, MetricReader, type MetricData } from "@opentelemetry/sdk-metrics";

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** One point: `value` is a histogram's sum or a counter's total, `count` a histogram's count. */
export interface Reading {
  readonly attributes: Attributes;
  readonly value: number;
  readonly count: number;
  readonly startMillis: number;
  readonly endMillis: number;
}

const DEADLINE_MILLIS = 4_000;

/** A meter provider whose points tests can read. */
export class MetricBench {
  readonly #reader = new ManualReader();
  readonly provider: MeterProvider = new MeterProvider({ readers: [this.#reader] });

  async metric(name: string): Promise<MetricData | undefined> {
    const { resourceMetrics } = await this.#reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === name);
  }

  async names(): Promise<string[]> {
    const { resourceMetrics } = await this.#reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics.map(({ descriptor }) => descriptor.name))
      .sort();
  }

  async readings(name: string): Promise<Reading[]> {
    const metric = await this.metric(name);
    if (metric === undefined) return [];
    const millis = ([seconds, nanos]: [number, number]): number => seconds * 1000 + nanos / 1e6;
    const isHistogram = metric.dataPointType === DataPointType.HISTOGRAM;
    return metric.dataPoints.map(({ attributes, startTime, endTime, value }) => ({
      attributes,
      value: isHistogram ? (value as { sum: number }).sum : (value as number),
      count: isHistogram ? (value as { count: number }).count : 0,
      startMillis: millis(startTime),
      endMillis: millis(endTime),
    }));
  }

  /** The sum over all points, or over those whose direction is `direction`. */
  async total(name: string, direction?: "receive" | "transmit"): Promise<number> {
    const readings = await this.readings(name);
    return readings
      .filter(({ attributes }) => direction === undefined || attributes["network.io.direction"] === direction)
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Collects until `requests` exchanges are recorded, and returns the response readings. */
  async settled(requests: number): Promise<Reading[]> {
    return this.until("http.server.response.body.size", (readings) => counted(readings) >= requests);
  }

  /** Collects until the readings of `name` pass. */
  async until(name: string, passes: (readings: Reading[]) => boolean): Promise<Reading[]> {
    const deadline = performance.now() + DEADLINE_MILLIS;
    for (;;) {
      const readings = await this.readings(name);
      if (passes(readings)) return readings;
      if (performance.now() > deadline) throw new Error(`${name} stays at ${JSON.stringify(readings)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function counted(readings: readonly Reading[]): number {
  return readings.reduce((sum, { count }) => sum + count, 0);
}
