/**
 * Fold, inside: what is happening now, taken from the latest increase of every stream, for the realtime store. A rate is an
 * increase over its own interval and is dropped after two intervals without news.
 */
import type { LatencyCounts } from "../model/latency-histogram.ts";
import {
  REALTIME_STEP_MILLIS,
  type RealtimeSeries,
  type RealtimeStep,
  type RealtimeUpdate,
} from "../model/realtime-store.ts";
import { rollupPosition } from "../model/rollup-columns.ts";
import { LatencyParts } from "./latency-parts.ts";
import type { ScopeState } from "./scopes.ts";
import { takeLiveLatency, type Series } from "./series-table.ts";
import type { Stream } from "./streams.ts";

const BYTES_IN = rollupPosition("bytes_in");
const BYTES_OUT = rollupPosition("bytes_out");
const OBSERVED = ["latency", "request_body", "response_body"] as const;
const REQUEST_COUNTS = OBSERVED.map((name) => rollupPosition(`${name}_count`));
const ERROR_COUNTS = OBSERVED.map((name) => rollupPosition(`${name}_error_count`));

interface Rates {
  bytesIn: number;
  bytesOut: number;
  /** Per kind of observation: SDKs leave out one or another, so the greatest is what there were of requests. */
  readonly requests: [number, number, number];
  readonly errors: [number, number, number];
  expiresAtMillis: number;
  /** When the first of its streams expires: the rate falls then. */
  earliestExpiryMillis: number;
}

/** Takes the live view's update of a shard, tick by tick. */
export class LiveRates {
  #shown = new Map<string, string>();
  #lastStep: RealtimeStep | undefined;
  #lastFoldedId = "";
  #earliestExpiryMillis = 0;

  /** What changed since the last call. `foldedId`, the last entry folded, tells whether there is news. */
  update(shard: number, scopes: Iterable<ScopeState>, nowMillis: number, foldedId: string): RealtimeUpdate {
    const atMillis = nowMillis - (nowMillis % REALTIME_STEP_MILLIS);
    const isNews = foldedId !== this.#lastFoldedId || nowMillis >= this.#earliestExpiryMillis;
    this.#lastFoldedId = foldedId;
    // Nothing was folded and nothing has expired: the rates are what they were, and there are no new observations.
    if (this.#lastStep && !isNews) {
      return { shard, changed: [], removed: [], step: { ...this.#lastStep, atMillis, latency: [], roundTrip: [] } };
    }
    const rates = ratesBySeries(scopes, nowMillis);
    const changed: RealtimeSeries[] = [];
    const shown = new Map<string, string>();
    const total = {
      in: 0,
      out: 0,
      requests: 0,
      errors: 0,
      latency: [] as LatencyParts[],
      roundTrip: [] as LatencyParts[],
    };
    this.#earliestExpiryMillis = Number.POSITIVE_INFINITY;
    for (const [series, rate] of rates) {
      this.#earliestExpiryMillis = Math.min(this.#earliestExpiryMillis, rate.earliestExpiryMillis);
      const latency = takeLiveLatency(series);
      const figures = realtimeSeries(series, rate, latency);
      addToTotal(total, series, figures, latency);
      const digest = `${figures.bytesInPerSecond}|${figures.bytesOutPerSecond}|${figures.requestsPerSecond}|${figures.expiresAtMillis}`;
      shown.set(figures.seriesId, digest);
      if (this.#shown.get(figures.seriesId) !== digest) changed.push(figures);
    }
    const removed = [...this.#shown.keys()].filter((id) => !shown.has(id));
    this.#shown = shown;
    const step: RealtimeStep = {
      atMillis,
      bytesInPerSecond: total.in,
      bytesOutPerSecond: total.out,
      requestsPerSecond: total.requests,
      errorsPerSecond: total.errors,
      latency: pairsOf(LatencyParts.sum(total.latency)),
      roundTrip: pairsOf(LatencyParts.sum(total.roundTrip)),
    };
    this.#lastStep = step;
    return { shard, changed, removed, step };
  }
}

function ratesBySeries(scopes: Iterable<ScopeState>, nowMillis: number): Map<Series, Rates> {
  const rates = new Map<Series, Rates>();
  for (const scope of scopes) {
    for (const parent of scope.parents.values()) {
      for (const stream of parent.streams.values()) {
        if (stream.live.expiresAtMillis > nowMillis) addStream(rates, stream);
      }
    }
  }
  return rates;
}

function addStream(rates: Map<Series, Rates>, stream: Stream): void {
  let rate = rates.get(stream.series);
  if (!rate) {
    rate = {
      bytesIn: 0,
      bytesOut: 0,
      requests: [0, 0, 0],
      errors: [0, 0, 0],
      expiresAtMillis: 0,
      earliestExpiryMillis: Infinity,
    };
    rates.set(stream.series, rate);
  }
  const { columns, live } = stream;
  const seconds = live.intervalMillis / 1000;
  rate.expiresAtMillis = Math.max(rate.expiresAtMillis, live.expiresAtMillis);
  rate.earliestExpiryMillis = Math.min(rate.earliestExpiryMillis, live.expiresAtMillis);
  for (const position of columns.values) {
    if (position === BYTES_IN) rate.bytesIn += live.value / seconds;
    else if (position === BYTES_OUT) rate.bytesOut += live.value / seconds;
  }
  for (const position of columns.counts) {
    const requests = REQUEST_COUNTS.indexOf(position);
    if (requests >= 0) rate.requests[requests]! += live.count / seconds;
    else rate.errors[ERROR_COUNTS.indexOf(position)]! += live.count / seconds;
  }
}

function realtimeSeries(series: Series, rate: Rates, latency: LatencyParts): RealtimeSeries {
  return {
    seriesId: String(series.id),
    dimensions: series.dimensions,
    bytesInPerSecond: rate.bytesIn,
    bytesOutPerSecond: rate.bytesOut,
    requestsPerSecond: series.dimensions.protocol === "http" ? Math.max(...rate.requests) : 0,
    errorsPerSecond: series.dimensions.protocol === "http" ? Math.max(...rate.errors) : 0,
    latency,
    expiresAtMillis: rate.expiresAtMillis,
  };
}

interface Total {
  in: number;
  out: number;
  requests: number;
  errors: number;
  readonly latency: LatencyParts[];
  readonly roundTrip: LatencyParts[];
}

function addToTotal(total: Total, series: Series, figures: RealtimeSeries, latency: LatencyParts): void {
  const { protocol, side } = series.dimensions;
  if (protocol === "webrtc") total.roundTrip.push(latency);
  if (protocol !== "http" || side !== "server") return;
  total.in += figures.bytesInPerSecond;
  total.out += figures.bytesOutPerSecond;
  total.requests += figures.requestsPerSecond;
  total.errors += figures.errorsPerSecond;
  total.latency.push(latency);
}

function pairsOf(latency: LatencyCounts): [number, number][] {
  const pairs: [number, number][] = [];
  latency.forEach((count, index) => pairs.push([index, count]));
  return pairs;
}
