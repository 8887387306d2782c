/**
 * How series and steps lie in Redis: JSON arrays, without names, because thousands are written and read every few seconds.
 */
import type { Protocol, SeriesDimensions, Side } from "../model/dimensions.ts";
import type { LatencyHistogramJson } from "../model/latency-histogram.ts";
import { QUALITIES } from "../model/metric-meaning.ts";
import type { ConnectionRates, RealtimeParticipant, RealtimeSeries, RealtimeStep } from "../model/realtime-store.ts";

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
type ConnectionRow = readonly [
  relayedMonitors: number,
  relayBytes: number,
  packetsIn: number,
  packetsOut: number,
  packetsLostIn: number,
  packetsLostOut: number,
];
/** The last one only of WebRTC series; `quality` is a place in `QUALITIES`. */
type SeriesRow = readonly [
  seriesId: string,
  expiresAtMillis: number,
  Rates,
  LatencyHistogramJson,
  DimensionsRow,
  participant?: readonly [quality: number, ...ConnectionRow],
];
type WebrtcStepRow = readonly [
  bytesIn: number,
  bytesOut: number,
  meetings: number,
  participants: number,
  relayParticipants: number,
  ...ConnectionRow,
];
type StepRow = readonly [
  atMillis: number,
  Rates,
  latency: LatencyHistogramJson,
  roundTrip: LatencyHistogramJson,
  WebrtcStepRow,
];

const CONNECTION_LENGTH = 6;

/** The text of a series. Thousands are written every few seconds: what does not change is made once. */
export function encodeSeries(series: RealtimeSeries): string {
  const { seriesId, expiresAtMillis, latency, dimensions, participant } = series;
  let pairs = "";
  for (const [index, count] of latency) pairs += `${pairs === "" ? "" : ","}[${index},${count}]`;
  const rates = JSON.stringify(ratesOf(series));
  const rest = participant === undefined ? "" : `,${participantText(participant)}`;
  return `["${seriesId}",${expiresAtMillis},${rates},[${pairs}],${dimensionsText(dimensions)}${rest}]`;
}

function participantText(participant: RealtimeParticipant): string {
  return JSON.stringify([QUALITIES.indexOf(participant.quality), ...connectionRow(participant)]);
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
  const row = parseRow(text) as SeriesRow | undefined;
  if (!row || (row.length !== 5 && row.length !== 6)) return undefined;
  const [seriesId, expiresAtMillis, rates, latency, dimensionsRow, participantRow] = row;
  if (!isNumbers(rates, 4) || !isHistogram(latency) || !Array.isArray(dimensionsRow) || dimensionsRow.length !== 10)
    return undefined;
  const dimensions = dimensionsOf(dimensionsRow as DimensionsRow);
  const series = { seriesId, dimensions, ...named(rates), latency, expiresAtMillis };
  if (dimensions.protocol !== "webrtc") return participantRow === undefined ? series : undefined;
  if (!isNumbers(participantRow, 1 + CONNECTION_LENGTH)) return undefined;
  const [level, ...connections] = participantRow as readonly [number, ...ConnectionRow];
  const quality = QUALITIES[level];
  if (quality === undefined) return undefined;
  return { ...series, participant: { quality, ...connectionRates(connections) } };
}

/** The text of a step. */
export function encodeStep(step: RealtimeStep): string {
  const { bytesInPerSecond, bytesOutPerSecond, meetings, participants, relayParticipants } = step.webrtc;
  const counts = [bytesInPerSecond, bytesOutPerSecond, meetings, participants, relayParticipants] as const;
  const webrtc: WebrtcStepRow = [...counts, ...connectionRow(step.webrtc)];
  const row: StepRow = [step.atMillis, ratesOf(step), step.latency, step.roundTrip, webrtc];
  return JSON.stringify(row);
}

/** Reads a step back; `undefined` for text of another form. */
export function decodeStep(text: string): RealtimeStep | undefined {
  const row = parseRow(text) as StepRow | undefined;
  if (row?.length !== 5) return undefined;
  const [atMillis, rates, latency, roundTrip, webrtcRow] = row;
  if (!isNumbers(rates, 4) || !isHistogram(latency) || !isHistogram(roundTrip)) return undefined;
  if (!isNumbers(webrtcRow, 5 + CONNECTION_LENGTH)) return undefined;
  const [bytesInPerSecond, bytesOutPerSecond, meetings, participants, relayParticipants, ...connections] = webrtcRow;
  const counts = { bytesInPerSecond, bytesOutPerSecond, meetings, participants, relayParticipants };
  return { atMillis, ...named(rates), latency, roundTrip, webrtc: { ...counts, ...connectionRates(connections) } };
}

function parseRow(text: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isNumbers(value: unknown, length: number): boolean {
  return Array.isArray(value) && value.length === length && value.every((rate) => typeof rate === "number");
}

function isHistogram(value: unknown): boolean {
  return Array.isArray(value) && value.every((bucket) => Array.isArray(bucket) && bucket.length === 2);
}

function connectionRow(of: ConnectionRates): ConnectionRow {
  return [
    of.relayedMonitors,
    of.relayBytesPerSecond,
    of.packetsInPerSecond,
    of.packetsOutPerSecond,
    of.packetsLostInPerSecond,
    of.packetsLostOutPerSecond,
  ];
}

function connectionRates(row: ConnectionRow): ConnectionRates {
  const [relayedMonitors, relayBytesPerSecond, packetsInPerSecond, packetsOutPerSecond, ...lost] = row;
  const [packetsLostInPerSecond, packetsLostOutPerSecond] = lost;
  return {
    relayedMonitors,
    relayBytesPerSecond,
    packetsInPerSecond,
    packetsOutPerSecond,
    packetsLostInPerSecond,
    packetsLostOutPerSecond,
  };
}

type HttpRates = Pick<RealtimeStep, "bytesInPerSecond" | "bytesOutPerSecond" | "requestsPerSecond" | "errorsPerSecond">;

function ratesOf(of: HttpRates): Rates {
  return [of.bytesInPerSecond, of.bytesOutPerSecond, of.requestsPerSecond, of.errorsPerSecond];
}

function named(rates: Rates): HttpRates {
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
