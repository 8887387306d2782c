/**
 * How series and steps lie in Redis: JSON arrays, without names, because thousands are written and read every few seconds.
 */
import type { Protocol, SeriesDimensions, Side } from "../model/dimensions.ts";
import type { LatencyHistogramJson } from "../model/latency-histogram.ts";
import type { RealtimeSeries, RealtimeStep } from "../model/realtime-store.ts";

type Rates = readonly [bytesIn: number, bytesOut: number, requests: number, errors: number];
type DimensionsRow = readonly [
  protocol: Protocol,
  namespace: string,
  service: string,
  environment: string,
  side: Side,
  method: string,
  route: string,
  statusCode: number,
  meetingId: string,
  participantId: string,
];
type SeriesRow = readonly [seriesId: string, expiresAtMillis: number, Rates, LatencyHistogramJson, DimensionsRow];
type StepRow = readonly [atMillis: number, Rates, latency: LatencyHistogramJson, roundTrip: LatencyHistogramJson];

/** The text of a series. Thousands are written every few seconds: what does not change is made once. */
export function encodeSeries(series: RealtimeSeries): string {
  const { seriesId, expiresAtMillis, latency, dimensions } = series;
  let pairs = "";
  for (const [index, count] of latency) pairs += `${pairs === "" ? "" : ","}[${index},${count}]`;
  const rates = JSON.stringify(ratesOf(series));
  return `["${seriesId}",${expiresAtMillis},${rates},[${pairs}],${dimensionsText(dimensions)}]`;
}

const DIMENSIONS_TEXTS = new WeakMap<SeriesDimensions, string>();

function dimensionsText(dimensions: SeriesDimensions): string {
  let text = DIMENSIONS_TEXTS.get(dimensions);
  if (text === undefined) {
    text = JSON.stringify(rowOf(dimensions));
    DIMENSIONS_TEXTS.set(dimensions, text);
  }
  return text;
}

/** Reads a series back; `undefined` for text of another form, such as another version's. */
export function decodeSeries(text: string): RealtimeSeries | undefined {
  const row = parseRow(text, 5) as SeriesRow | undefined;
  if (!row || !isRates(row[2]) || !isHistogram(row[3]) || !Array.isArray(row[4]) || row[4].length !== 10)
    return undefined;
  const [seriesId, expiresAtMillis, rates, latency, dimensions] = row;
  return { seriesId, dimensions: dimensionsOf(dimensions), ...named(rates), latency, expiresAtMillis };
}

/** The text of a step. */
export function encodeStep(step: RealtimeStep): string {
  const row: StepRow = [step.atMillis, ratesOf(step), step.latency, step.roundTrip];
  return JSON.stringify(row);
}

/** Reads a step back; `undefined` for text of another form. */
export function decodeStep(text: string): RealtimeStep | undefined {
  const row = parseRow(text, 4) as StepRow | undefined;
  if (!row || !isRates(row[1]) || !isHistogram(row[2]) || !isHistogram(row[3])) return undefined;
  const [atMillis, rates, latency, roundTrip] = row;
  return { atMillis, ...named(rates), latency, roundTrip };
}

function parseRow(text: string, length: number): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.length === length ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isRates(value: unknown): boolean {
  return Array.isArray(value) && value.length === 4 && value.every((rate) => typeof rate === "number");
}

function isHistogram(value: unknown): boolean {
  return Array.isArray(value) && value.every((bucket) => Array.isArray(bucket) && bucket.length === 2);
}

function ratesOf(of: Omit<RealtimeStep, "atMillis" | "latency" | "roundTrip">): Rates {
  return [of.bytesInPerSecond, of.bytesOutPerSecond, of.requestsPerSecond, of.errorsPerSecond];
}

function named(rates: Rates): Omit<RealtimeStep, "atMillis" | "latency" | "roundTrip"> {
  const [bytesInPerSecond, bytesOutPerSecond, requestsPerSecond, errorsPerSecond] = rates;
  return { bytesInPerSecond, bytesOutPerSecond, requestsPerSecond, errorsPerSecond };
}

function rowOf(d: SeriesDimensions): DimensionsRow {
  return [
    d.protocol,
    d.namespace,
    d.service,
    d.environment,
    d.side,
    d.method,
    d.route,
    d.statusCode,
    d.meetingId,
    d.participantId,
  ];
}

function dimensionsOf(row: DimensionsRow): SeriesDimensions {
  const [protocol, namespace, service, environment, side, method, route, statusCode, meetingId, participantId] = row;
  return { protocol, namespace, service, environment, side, method, route, statusCode, meetingId, participantId };
}
