/** Series and steps for tests of what is happening now. */
import type { SeriesDimensions } from "../../src/model/dimensions.ts";
import type { RealtimeSeries, RealtimeStep } from "../../src/model/realtime-store.ts";

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
    ...changes,
  };
}
