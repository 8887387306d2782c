/**
 * The one table of metrics this project makes, accepts and stores: name, unit, instrument, meaning. Docs and dashboards
 * are checked against it.
 * Names follow the OpenTelemetry semantic conventions where they have one, else the prefixes `bandwidth.` and `webrtc.`.
 */

/** The OpenTelemetry instrument a metric is made with. */
export type InstrumentKind = "histogram" | "counter";

/** One metric of the table. */
export interface MetricDefinition {
  readonly name: string;
  readonly instrument: InstrumentKind;
  /** UCUM, as in the semantic conventions. */
  readonly unit: "By" | "s" | "{packet}" | "{frame}";
  readonly attributes: string;
  readonly meaning: string;
}

const HTTP_SERVER_ATTRIBUTES = "those of `http.server.request.duration`";
const HTTP_CLIENT_ATTRIBUTES = "those of `http.client.request.duration`";
const RELAY_ATTRIBUTES = "`network.io.direction`, `webrtc.relay`, `webrtc.relay.protocol`";

function histogram(
  name: string,
  unit: MetricDefinition["unit"],
  attributes: string,
  meaning: string,
): MetricDefinition {
  return { name, instrument: "histogram", unit, attributes, meaning };
}

function counter(name: string, unit: MetricDefinition["unit"], attributes: string, meaning: string): MetricDefinition {
  return { name, instrument: "counter", unit, attributes, meaning };
}

/** Every metric, in the order the documentation lists them. */
export const METRICS: readonly MetricDefinition[] = [
  histogram(
    "http.server.request.body.size",
    "By",
    HTTP_SERVER_ATTRIBUTES,
    "Request body bytes received by a server, without headers and framing, compressed as sent.",
  ),
  histogram(
    "http.server.response.body.size",
    "By",
    HTTP_SERVER_ATTRIBUTES,
    "Response body bytes sent by a server, without headers and framing, compressed as sent.",
  ),
  histogram("http.client.request.body.size", "By", HTTP_CLIENT_ATTRIBUTES, "Request body bytes sent by a client."),
  histogram(
    "http.client.response.body.size",
    "By",
    HTTP_CLIENT_ATTRIBUTES,
    "Response body bytes received by a client.",
  ),
  histogram("http.server.request.duration", "s", "semantic conventions", "Duration of a request, seen by the server."),
  histogram("http.client.request.duration", "s", "semantic conventions", "Duration of a request, seen by the client."),
  counter(
    "bandwidth.http.server.io",
    "By",
    "`network.io.direction`, `http.request.method`, `http.route`, `http.response.status_code`",
    "Whole HTTP messages: start line, headers, framing and body.",
  ),
  counter(
    "bandwidth.http.server.connection.io",
    "By",
    "`network.io.direction`",
    "Everything on the server's sockets, upgrades and TLS included.",
  ),
  counter("webrtc.io", "By", RELAY_ATTRIBUTES, "Bytes on the selected candidate pairs, as the browser counts them."),
  counter(
    "webrtc.wire.io",
    "By",
    RELAY_ATTRIBUTES,
    "Estimate of the bytes on the wire, with IP, UDP and TURN overhead.",
  ),
  histogram("webrtc.round_trip_time", "s", "none", "Round-trip time of the selected candidate pairs."),
  histogram("webrtc.jitter", "s", "none", "Jitter of received audio."),
  counter("webrtc.packets", "{packet}", "`network.io.direction`", "RTP packets sent or received."),
  counter("webrtc.packets.lost", "{packet}", "`network.io.direction`", "RTP packets lost."),
  counter(
    "webrtc.connection.time",
    "s",
    "`webrtc.quality`, `webrtc.relay`",
    "Connected time of a participant, by quality and relay use.",
  ),
  counter("webrtc.freeze.time", "s", "none", "Time that received video stood still."),
  counter("webrtc.frames", "{frame}", "`network.io.direction`", "Video frames sent or received."),
  counter("webrtc.frames.dropped", "{frame}", "`network.io.direction`", "Video frames dropped."),
];

/** The attributes the pipeline reads; everything else only tells streams apart. */
export const ATTRIBUTES = {
  serviceName: "service.name",
  serviceNamespace: "service.namespace",
  environment: "deployment.environment.name",
  /** The name the environment had before semantic conventions 1.27. */
  environmentBefore127: "deployment.environment",
  requestMethod: "http.request.method",
  route: "http.route",
  statusCode: "http.response.status_code",
  errorType: "error.type",
  direction: "network.io.direction",
  relay: "webrtc.relay",
  quality: "webrtc.quality",
  meetingId: "webrtc.meeting.id",
  participantId: "webrtc.participant.id",
} as const;
