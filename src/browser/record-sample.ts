/** Worker: the metrics of one connection's sample. What is unknown adds nothing. */
import type { ConnectionSample } from "./connection-sampler.ts";
import type { CounterMetric, MetricAttributes, MetricSink } from "./metric-sink.ts";
import type { RelayUse } from "./relay-use.ts";
import type { Directions } from "./sum-known.ts";

/** Records everything of a sample but the connection time, which is one for all connections. */
export function recordSample(sample: ConnectionSample, sink: MetricSink): void {
  for (const transport of sample.transports) {
    const attributes = relayAttributes(transport.relay);
    addDirections(sink, "webrtc.io", transport.bytes, attributes);
    addDirections(sink, "webrtc.wire.io", transport.wireBytes, attributes);
  }
  const { received, sent } = sample;
  addDirections(sink, "webrtc.packets", { receive: received.packets, transmit: sent.packets });
  addDirections(sink, "webrtc.packets.lost", { receive: received.packetsLost, transmit: sent.packetsLost });
  addDirections(sink, "webrtc.frames", { receive: received.frames, transmit: sent.frames });
  addDirections(sink, "webrtc.frames.dropped", { receive: received.framesDropped, transmit: undefined });
  addKnown(sink, "webrtc.freeze.time", received.freezeSeconds, {});
  for (const { seconds } of sample.roundTrips) sink.record("webrtc.round_trip_time", seconds);
  for (const seconds of received.audio.jitterSeconds) sink.record("webrtc.jitter", seconds);
}

/** The attributes of bytes on a pair. Where relay use is not known, none: it is then not billed. */
function relayAttributes({ relayed, protocol }: RelayUse): MetricAttributes {
  if (relayed === undefined) return {};
  const relay = { "webrtc.relay": relayed };
  return protocol === undefined ? relay : { ...relay, "webrtc.relay.protocol": protocol };
}

function addDirections(
  sink: MetricSink,
  metric: CounterMetric,
  values: Directions,
  attributes: MetricAttributes = {},
): void {
  addKnown(sink, metric, values.receive, { "network.io.direction": "receive", ...attributes });
  addKnown(sink, metric, values.transmit, { "network.io.direction": "transmit", ...attributes });
}

function addKnown(
  sink: MetricSink,
  metric: CounterMetric,
  value: number | undefined,
  attributes: MetricAttributes,
): void {
  // A series begins with its first measurement: a page that never saw a frame has none of frames.
  if (value !== undefined && value > 0) sink.add(metric, value, attributes);
}
