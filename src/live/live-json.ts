/**
 * What the live page reads from `GET /api/live` and `GET /api/live/history`. A receiver may be newer or older than the page
 * that was loaded from it, so figures that came later are optional.
 */
import type { LiveAlert } from "../model/live-alert.ts";

/** Percentiles in seconds; null where there was no observation. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** One of the endpoints with most bytes. Its names come from whoever sends metrics. */
export interface Endpoint {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly bytesPerSecond: number;
  readonly requestsPerSecond: number;
  /** Seconds. */
  readonly p95: number | null;
}

/** What servers saw. */
export interface HttpView {
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly requestsPerSecond: number;
  readonly errorRatio: number;
  readonly latencySeconds: Percentiles;
  readonly topEndpoints: readonly Endpoint[];
}

/** The levels of quality, best first. */
export const QUALITY_LEVELS = ["excellent", "good", "fair", "poor", "unknown"] as const;
/** A level of quality. */
export type QualityLevel = (typeof QUALITY_LEVELS)[number];
/** Participants by their latest level. */
export type QualityCounts = Readonly<Record<QualityLevel, number>>;

/** What participants of meetings reported. */
export interface WebrtcView {
  readonly meetings: number;
  readonly participants: number;
  /** The largest meetings; there may be more than are named here. */
  readonly participantsByMeeting: Readonly<Record<string, number>>;
  readonly quality: QualityCounts;
  readonly relayParticipants: number;
  readonly relayShare: number;
  readonly relayCostPerHour: number;
  readonly roundTripTimeSeconds: { readonly p50: number | null; readonly p95: number | null };
  readonly packetLossRatio: number;
}

/** `GET /api/live`. */
export interface LiveJson {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly http: HttpView;
  readonly webrtc: WebrtcView;
  readonly alerts: readonly LiveAlert[];
}

/** Round trips above `fromSeconds`, up to and including `toSeconds`. */
export interface RoundTripBucket {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly count: number;
}

/** One step of the history. */
export interface HistoryStep {
  /** Its start, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly latencySeconds: Percentiles;
  readonly roundTripBuckets: readonly RoundTripBucket[];
  /** Absent from receivers that do not keep it. */
  readonly webrtc?: HistoryWebrtc;
}

/** What participants did in a step. */
export interface HistoryWebrtc {
  readonly participants: number;
  readonly relayParticipants: number;
  readonly relayCostPerHour: number;
  readonly packetLossRatio: number;
}

/** `GET /api/live/history`. */
export interface HistoryJson {
  readonly stepMillis: number;
  /** Oldest first; a step in which nothing was written is missing. */
  readonly steps: readonly HistoryStep[];
}

/** The answer as a live view; undefined when it has another form. */
export function asLiveJson(body: unknown): LiveJson | undefined {
  if (!isRecord(body) || typeof body["at"] !== "number" || !Array.isArray(body["alerts"])) return undefined;
  return isRecord(body["http"]) && isRecord(body["webrtc"]) ? (body as unknown as LiveJson) : undefined;
}

/** The answer as a history; undefined when it has another form. */
export function asHistoryJson(body: unknown): HistoryJson | undefined {
  const isOne = isRecord(body) && typeof body["stepMillis"] === "number" && Array.isArray(body["steps"]);
  return isOne ? (body as unknown as HistoryJson) : undefined;
}

/** Whether a value of JSON is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
