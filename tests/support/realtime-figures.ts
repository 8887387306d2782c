/** Series and steps for tests of what is happening now. */
import type { SeriesDimensions } from "../../src/model/dimensions.ts";
import type {
  RealtimeParticipant,
  RealtimeSeries,
  RealtimeStep,
  RealtimeWebrtcStep,
} from "../../src/model/realtime-store.ts";

const NO_CONNECTION = {
  relayedMonitors: 0,
  relayBytesPerSecond: 0,
  packetsInPerSecond: 0,
  packetsOutPerSecond: 0,
  packetsLostInPerSecond: 0,
  packetsLostOutPerSecond: 0,
};

/** The dimensions of an HTTP server's series; `changes` replace some. */
export function httpDimensions(changes: Partial<SeriesDimensions> = {}): SeriesDimensions {
  return {
    protocol: "http",
    namespace: "shop",
    service: "api",
    environment: "production",
    side: "server",
    method: "GET",
    route: "/items/{id}",
    statusCode: 200,
    meetingId: "",
    participantId: "",
    ...changes,
  };
}

/** The dimensions of a participant's series. */
export function webrtcDimensions(meetingId: string, participantId: string): SeriesDimensions {
  const changes = { protocol: "webrtc", side: "client", method: "", route: "", statusCode: 0 } as const;
  return httpDimensions({ ...changes, meetingId, participantId });
}

/** A participant's series without traffic; `changes` replace some figures of its connections. */
export function participantSeries(
  meetingId: string,
  participantId: string,
  changes: Partial<RealtimeParticipant> = {},
): RealtimeSeries {
  const participant = { quality: "unknown", ...NO_CONNECTION, ...changes } as const;
  return realtimeSeries({ dimensions: webrtcDimensions(meetingId, participantId), participant });
}

/** The participants of a step without any; `changes` replace some figures. */
export function webrtcStep(changes: Partial<RealtimeWebrtcStep> = {}): RealtimeWebrtcStep {
  const counts = { meetings: 0, participants: 0, relayParticipants: 0 };
  return { bytesInPerSecond: 0, bytesOutPerSecond: 0, ...counts, ...NO_CONNECTION, ...changes };
}

/** A series without traffic; `changes` replace some figures. */
export function realtimeSeries(changes: Partial<RealtimeSeries> = {}): RealtimeSeries {
  return {
    seriesId: "1",
    dimensions: httpDimensions(),
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    requestsPerSecond: 0,
    errorsPerSecond: 0,
    latency: [],
    expiresAtMillis: Number.MAX_SAFE_INTEGER,
    ...changes,
  };
}

/** A step without traffic; `changes` replace some figures. */
export function realtimeStep(changes: Partial<RealtimeStep> = {}): RealtimeStep {
  return {
    atMillis: 0,
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    requestsPerSecond: 0,
    errorsPerSecond: 0,
    latency: [],
    roundTrip: [],
    webrtc: webrtcStep(),
    ...changes,
  };
}
