/**
 * Fold, inside: what is happening now, taken from the latest increase of every stream, for the realtime store. A rate is an
 * increase over its own interval and is dropped after two intervals without news.
 */
import {
  REALTIME_STEP_MILLIS,
  type RealtimeSeries,
  type RealtimeStep,
  type RealtimeUpdate,
} from "../model/realtime-store.ts";
import { rollupPosition } from "../model/rollup-columns.ts";
import type { LatencyParts } from "./latency-parts.ts";
import { addObservations, LiveStep } from "./live-step.ts";
import { addPage, realtimeParticipant, type ParticipantRates } from "./participant-rates.ts";
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

/** What tells whether a series has to be told of again. */
type Told = Pick<RealtimeSeries, "bytesInPerSecond" | "bytesOutPerSecond" | "requestsPerSecond" | "expiresAtMillis">;

/** Takes the live view's update of a shard, tick by tick. */
export class LiveRates {
  #told = new Map<string, Told>();
  /** Of an update that was not written: what the next one has to tell besides. */
  #unwritten: ReadonlyMap<string, RealtimeSeries> = new Map();
  #unremoved: readonly string[] = [];
  #lastStep: RealtimeStep | undefined;
  #lastFoldedId = "";
  #earliestExpiryMillis = 0;

  /** What changed since the last call. `foldedId`, the last entry folded, tells whether there is news. */
  update(shard: number, scopes: Iterable<ScopeState>, nowMillis: number, foldedId: string): RealtimeUpdate {
    const atMillis = nowMillis - (nowMillis % REALTIME_STEP_MILLIS);
    const isNews = foldedId !== this.#lastFoldedId || nowMillis >= this.#earliestExpiryMillis;
    this.#lastFoldedId = foldedId;
    // Nothing was folded and nothing has expired: the rates are what they were, and there are no new observations.
    if (this.#lastStep && !isNews && this.#isAllWritten) {
      this.#lastStep = addObservations({ ...this.#lastStep, atMillis, latency: [], roundTrip: [] }, this.#lastStep);
      return { shard, changed: [], removed: [], step: this.#lastStep };
    }
    const toldBefore = this.#told;
    this.#told = new Map();
    const total = new LiveStep();
    const changed = this.#tellAll(scopes, nowMillis, total, toldBefore);
    const removed = [...new Set([...toldBefore.keys(), ...this.#unremoved])].filter((id) => !this.#told.has(id));
    this.#unwritten = new Map();
    this.#unremoved = [];
    this.#lastStep = addObservations(total.at(atMillis), this.#lastStep);
    return { shard, changed, removed, step: this.#lastStep };
  }

  /** The last update may not have arrived: the next one tells it again, with what was observed then where nothing else was since. */
  notWritten({ changed, removed }: RealtimeUpdate): void {
    this.#unwritten = new Map(changed.map((series) => [series.seriesId, series]));
    this.#unremoved = removed;
  }

  get #isAllWritten(): boolean {
    return this.#unwritten.size === 0 && this.#unremoved.length === 0;
  }

  /** Adds all series up, and returns those that have to be told of. */
  #tellAll(
    scopes: Iterable<ScopeState>,
    nowMillis: number,
    total: LiveStep,
    toldBefore: ReadonlyMap<string, Told>,
  ): readonly RealtimeSeries[] {
    const changed: RealtimeSeries[] = [];
    this.#earliestExpiryMillis = Number.POSITIVE_INFINITY;
    const show = (figures: RealtimeSeries, latency: LatencyParts, earliestExpiryMillis: number): void => {
      this.#earliestExpiryMillis = Math.min(this.#earliestExpiryMillis, earliestExpiryMillis);
      total.add(figures, latency);
      const { seriesId } = figures;
      const before = toldBefore.get(seriesId);
      const isSame = before !== undefined && isTold(figures, before);
      this.#told.set(seriesId, isSame ? before : toldOf(figures));
      const again = isSame ? this.#unwritten.get(seriesId) : figures;
      if (again) changed.push(again);
    };
    const { http, participants } = ratesBySeries(scopes, nowMillis);
    for (const [series, rates] of http) {
      const latency = takeLiveLatency(series);
      show(httpSeries(series, rates, latency), latency, rates.earliestExpiryMillis);
    }
    for (const [series, rates] of participants) {
      const latency = takeLiveLatency(series);
      show(webrtcSeries(series, rates, latency), latency, rates.earliestExpiryMillis);
    }
    return changed;
  }
}

function toldOf({ bytesInPerSecond, bytesOutPerSecond, requestsPerSecond, expiresAtMillis }: RealtimeSeries): Told {
  return { bytesInPerSecond, bytesOutPerSecond, requestsPerSecond, expiresAtMillis };
}

function isTold(figures: RealtimeSeries, told: Told): boolean {
  return (
    figures.expiresAtMillis === told.expiresAtMillis &&
    figures.bytesInPerSecond === told.bytesInPerSecond &&
    figures.bytesOutPerSecond === told.bytesOutPerSecond &&
    figures.requestsPerSecond === told.requestsPerSecond
  );
}

interface RatesBySeries {
  readonly http: Map<Series, Rates>;
  readonly participants: Map<Series, ParticipantRates>;
}

function ratesBySeries(scopes: Iterable<ScopeState>, nowMillis: number): RatesBySeries {
  const http = new Map<Series, Rates>();
  const participants = new Map<Series, ParticipantRates>();
  for (const scope of scopes) {
    let isPage = false;
    for (const parent of scope.parents.values()) {
      isPage ||= parent.meaning.protocol === "webrtc";
      if (parent.meaning.protocol === "webrtc") continue;
      for (const stream of parent.streams.values()) {
        if (stream.live.expiresAtMillis > nowMillis) addStream(http, stream);
      }
    }
    if (isPage) addPage(participants, scope, nowMillis);
  }
  return { http, participants };
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

function httpSeries(series: Series, rates: Rates, latency: LatencyParts): RealtimeSeries {
  return {
    seriesId: String(series.id),
    dimensions: series.dimensions,
    bytesInPerSecond: rates.bytesIn,
    bytesOutPerSecond: rates.bytesOut,
    requestsPerSecond: Math.max(...rates.requests),
    errorsPerSecond: Math.max(...rates.errors),
    latency,
    expiresAtMillis: rates.expiresAtMillis,
  };
}

function webrtcSeries(series: Series, rates: ParticipantRates, latency: LatencyParts): RealtimeSeries {
  return {
    seriesId: String(series.id),
    dimensions: series.dimensions,
    bytesInPerSecond: rates.bytesIn,
    bytesOutPerSecond: rates.bytesOut,
    requestsPerSecond: 0,
    errorsPerSecond: 0,
    latency,
    participant: realtimeParticipant(rates),
    expiresAtMillis: rates.expiresAtMillis,
  };
}
