/**
 * What the live page, `GET /api/live` and administrators see: figures made of a snapshot of the realtime store. Pure.
 */
import type { LatencyHistogramJson } from "../model/latency-histogram.ts";
import type { LiveAlert } from "../model/live-alert.ts";
import type { RealtimeSeries } from "../model/realtime-store.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { liveWebrtc } from "./live-webrtc.ts";
import type { LiveWebrtc } from "./live-webrtc.ts";
import { percentilesOf } from "./percentiles.ts";
import type { LivePercentiles } from "./percentiles.ts";
import { addHistograms } from "./steps.ts";

/** One of the endpoints with most bytes. */
export interface LiveEndpoint {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  /** Both directions. */
  readonly bytesPerSecond: number;
  readonly requestsPerSecond: number;
  /** Seconds; null without observations. */
  readonly p95: number | null;
}

/** The HTTP half: what servers saw. */
export interface LiveHttp {
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly requestsPerSecond: number;
  /** Errors by requests; 0 without requests. */
  readonly errorRatio: number;
  readonly latencySeconds: LivePercentiles;
  /** Most bytes first, at most {@link MAX_TOP_ENDPOINTS}. */
  readonly topEndpoints: readonly LiveEndpoint[];
}

/** The JSON of `GET /api/live` and of the event `live`. */
export interface LiveView {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly http: LiveHttp;
  readonly webrtc: LiveWebrtc;
  readonly alerts: readonly LiveAlert[];
}

/** The most endpoints that are listed. */
export const MAX_TOP_ENDPOINTS = 20;

/** Makes the view of all series; those that have expired at `nowMillis` are left out. */
export function liveView(
  series: readonly RealtimeSeries[],
  nowMillis: number,
  alerts: readonly LiveAlert[],
  prices: RelayPrices,
): LiveView {
  const current = series.filter(({ expiresAtMillis }) => expiresAtMillis > nowMillis);
  const http = current.filter(({ dimensions }) => dimensions.protocol === "http" && dimensions.side === "server");
  const webrtc = current.filter(({ dimensions }) => dimensions.protocol === "webrtc");
  return { at: nowMillis, http: httpHalf(http), webrtc: liveWebrtc(webrtc, prices), alerts };
}

function httpHalf(series: readonly RealtimeSeries[]): LiveHttp {
  const requestsPerSecond = sum(series, (one) => one.requestsPerSecond);
  const errorsPerSecond = sum(series, (one) => one.errorsPerSecond);
  return {
    bytesInPerSecond: sum(series, (one) => one.bytesInPerSecond),
    bytesOutPerSecond: sum(series, (one) => one.bytesOutPerSecond),
    requestsPerSecond,
    errorRatio: requestsPerSecond > 0 ? errorsPerSecond / requestsPerSecond : 0,
    latencySeconds: percentilesOf(mergedLatency(series)),
    topEndpoints: topEndpoints(series),
  };
}

function topEndpoints(series: readonly RealtimeSeries[]): readonly LiveEndpoint[] {
  // Socket totals have no method: they belong to no endpoint.
  const ofEndpoints = series.filter(({ dimensions }) => dimensions.method !== "");
  const groups = Map.groupBy(ofEndpoints, ({ dimensions: d }) => JSON.stringify([d.service, d.method, d.route]));
  const ranked = [...groups].map(([key, members]) => ({ key, members, bytesPerSecond: sum(members, bytesOf) }));
  // Equal rates keep the order of their names, so that the list does not flicker.
  ranked.sort((left, right) => right.bytesPerSecond - left.bytesPerSecond || (left.key < right.key ? -1 : 1));
  return ranked.slice(0, MAX_TOP_ENDPOINTS).map(({ members, bytesPerSecond }) => {
    const { service, method, route } = members[0]!.dimensions;
    const requestsPerSecond = sum(members, (one) => one.requestsPerSecond);
    return {
      service,
      method,
      route,
      bytesPerSecond,
      requestsPerSecond,
      p95: percentilesOf(mergedLatency(members)).p95,
    };
  });
}

function mergedLatency(series: readonly RealtimeSeries[]): LatencyHistogramJson {
  return addHistograms(series.map((one) => one.latency));
}

function bytesOf(series: RealtimeSeries): number {
  return series.bytesInPerSecond + series.bytesOutPerSecond;
}

function sum(series: readonly RealtimeSeries[], of: (one: RealtimeSeries) => number): number {
  return series.reduce((total, one) => total + of(one), 0);
}
