/** Worker: the port through which measurements become metrics. Names and attributes are those of `model/metric-names`. */

/** The attributes of a measurement. */
export type MetricAttributes = Readonly<Record<string, string | boolean>>;

/** The counters of the page side. */
export type CounterMetric =
  | "webrtc.io"
  | "webrtc.wire.io"
  | "webrtc.packets"
  | "webrtc.packets.lost"
  | "webrtc.connection.time"
  | "webrtc.freeze.time"
  | "webrtc.frames"
  | "webrtc.frames.dropped";

/** The histograms of the page side. */
export type HistogramMetric = "webrtc.round_trip_time" | "webrtc.jitter";

/** Takes measurements. */
export interface MetricSink {
  /** Adds to a counter; `value` is never negative. */
  add(metric: CounterMetric, value: number, attributes: MetricAttributes): void;
  /** Records a value in a histogram. */
  record(metric: HistogramMetric, value: number): void;
}
