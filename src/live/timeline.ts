/** The last minutes as charts draw them: the steps of the history, then what came since, with a hole where nothing came. Pure. */
import type { HistoryStep, HistoryWebrtc, LiveJson } from "./live-json.ts";
import { SHOWN_MILLIS, lastStepMillis, type PageState } from "./page-state.ts";

/** One moment. Null: not known for it. */
export interface TimelinePoint {
  /** Milliseconds since the Unix epoch, by the receiver's clock. */
  readonly at: number;
  readonly bytesInPerSecond: number | null;
  readonly bytesOutPerSecond: number | null;
  readonly requestsPerSecond: number | null;
  /** Null without requests, too. */
  readonly errorRatio: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly participants: number | null;
  readonly relayParticipants: number | null;
  readonly relayCostPerHour: number | null;
  /** Null without participants, too. */
  readonly packetLossRatio: number | null;
}

/** Two points further apart than this have a hole between them, milliseconds: three steps. */
const HOLE_MILLIS = 15_000;

/** The points of the last five minutes before the newest, oldest first. */
export function timelineOf({ history, recentViews }: PageState): readonly TimelinePoint[] {
  const last = lastStepMillis(history);
  const points = [
    ...withHeldLatency((history?.steps ?? []).map(ofStep)),
    ...recentViews.filter(({ at }) => at > last).map(ofView),
  ];
  const newest = points.at(-1)?.at ?? 0;
  const shown = points.filter(({ at }) => at > newest - SHOWN_MILLIS);
  return shown.flatMap((point, index) => {
    const before = shown[index - 1];
    return before && point.at - before.at > HOLE_MILLIS ? [nothingAt(before.at + HOLE_MILLIS / 2), point] : [point];
  });
}

/**
 * Exporters send every 5 s or every 60 s. In between a rate is that of the last export, and so are the percentiles, as they are
 * in the live view: they are held while requests go on.
 */
function withHeldLatency(points: readonly TimelinePoint[]): TimelinePoint[] {
  let held: Pick<TimelinePoint, "p50" | "p95" | "p99"> = { p50: null, p95: null, p99: null };
  return points.map((point) => {
    const { p50, p95, p99, requestsPerSecond } = point;
    if (p50 !== null || (requestsPerSecond ?? 0) === 0) held = { p50, p95, p99 };
    return { ...point, ...held };
  });
}

/** Whether HTTP traffic was seen in these points. */
export function hasHttpTraffic(points: readonly TimelinePoint[]): boolean {
  return points.some(
    (point) => (point.requestsPerSecond ?? 0) + (point.bytesInPerSecond ?? 0) + (point.bytesOutPerSecond ?? 0) > 0,
  );
}

/** Whether anybody was in a meeting in these points. */
export function hasParticipants(points: readonly TimelinePoint[]): boolean {
  return points.some(({ participants }) => (participants ?? 0) > 0);
}

function ofStep(step: HistoryStep): TimelinePoint {
  const { at, bytesInPerSecond, bytesOutPerSecond, requestsPerSecond, errorsPerSecond, latencySeconds } = step;
  return {
    ...nothingAt(at),
    bytesInPerSecond,
    bytesOutPerSecond,
    requestsPerSecond,
    errorRatio: requestsPerSecond > 0 ? errorsPerSecond / requestsPerSecond : null,
    p50: latencySeconds.p50,
    p95: latencySeconds.p95,
    p99: latencySeconds.p99,
    ...(step.webrtc ? participantsOf(step.webrtc) : {}),
  };
}

function ofView({ at, http, webrtc }: LiveJson): TimelinePoint {
  return {
    at,
    bytesInPerSecond: http.bytesInPerSecond,
    bytesOutPerSecond: http.bytesOutPerSecond,
    requestsPerSecond: http.requestsPerSecond,
    errorRatio: http.requestsPerSecond > 0 ? http.errorRatio : null,
    p50: http.latencySeconds.p50,
    p95: http.latencySeconds.p95,
    p99: http.latencySeconds.p99,
    ...participantsOf(webrtc),
  };
}

function participantsOf({
  participants,
  relayParticipants,
  relayCostPerHour,
  packetLossRatio,
}: HistoryWebrtc): Pick<TimelinePoint, keyof HistoryWebrtc> {
  return {
    participants,
    relayParticipants,
    relayCostPerHour,
    packetLossRatio: participants > 0 ? packetLossRatio : null,
  };
}

function nothingAt(at: number): TimelinePoint {
  return {
    at,
    bytesInPerSecond: null,
    bytesOutPerSecond: null,
    requestsPerSecond: null,
    errorRatio: null,
    p50: null,
    p95: null,
    p99: null,
    participants: null,
    relayParticipants: null,
    relayCostPerHour: null,
    packetLossRatio: null,
  };
}
