/**
 * What each metric of our table means for the totals: which shape of data it must have and which columns a stream of it
 * adds to. The door refuses by it, the fold counts by it.
 */
import { ATTRIBUTES, METRICS } from "./metric-names.ts";
import type { Protocol, Side } from "./dimensions.ts";
import { rollupPosition } from "./rollup-columns.ts";

/** The levels of `webrtc.quality`, best first; what is not known comes last. */
export const QUALITIES = ["excellent", "good", "fair", "poor", "unknown"] as const;

/** One of {@link QUALITIES}. */
export type Quality = (typeof QUALITIES)[number];

/** The attributes of a point, as read from the wire. */
export type AttributeReader = ReadonlyMap<string, unknown>;

/**
 * How a point's value is counted. `whole`: bytes, packets, frames, exact integers. `millis`: seconds rounded to whole
 * milliseconds before they are compared. `seconds`: doubles.
 */
export type ValueKind = "whole" | "millis" | "seconds";

/** The meaning of one metric. */
export interface MetricMeaning {
  readonly name: string;
  readonly unit: string;
  readonly instrument: "histogram" | "counter";
  readonly valueKind: ValueKind;
  /** Whether bucket counts are kept as latency percentiles. */
  readonly keepsBuckets: boolean;
  readonly protocol: Protocol;
  readonly side: Side;
  /** The columns that a stream with these attributes adds to. */
  readonly columns: (attributes: AttributeReader) => StreamColumns;
}

/** Positions in `ROLLUP_COLUMNS` that a stream adds to. Both empty: the stream's attributes mean nothing to us. */
export interface StreamColumns {
  /** Get the number of observations (histograms). */
  readonly counts: readonly number[];
  /** Get the sum of a histogram or the value of a counter. */
  readonly values: readonly number[];
}

const NO_COLUMNS: StreamColumns = { counts: [], values: [] };

/** Whether a request with these attributes failed: a status of 500 or more, or an `error.type`. */
export function isError(attributes: AttributeReader): boolean {
  const status = attributes.get(ATTRIBUTES.statusCode);
  return attributes.has(ATTRIBUTES.errorType) || Number(status) >= 500;
}

function httpHistogram(prefix: "latency" | "request_body" | "response_body", sum: string): MetricMeaning["columns"] {
  const value = [rollupPosition(sum)];
  const good: StreamColumns = { counts: [rollupPosition(`${prefix}_count`)], values: value };
  const bad: StreamColumns = {
    counts: [rollupPosition(`${prefix}_count`), rollupPosition(`${prefix}_error_count`)],
    values: value,
  };
  return (attributes) => (isError(attributes) ? bad : good);
}

function plainHistogram(count: string, sum: string): MetricMeaning["columns"] {
  const columns: StreamColumns = { counts: [rollupPosition(count)], values: [rollupPosition(sum)] };
  return () => columns;
}

function byDirection(receive: string, transmit: string): MetricMeaning["columns"] {
  const columns = new Map<unknown, StreamColumns>([
    ["receive", { counts: [], values: [rollupPosition(receive)] }],
    ["transmit", { counts: [], values: [rollupPosition(transmit)] }],
  ]);
  return (attributes) => columns.get(attributes.get(ATTRIBUTES.direction)) ?? NO_COLUMNS;
}

function relayedBytes(attributes: AttributeReader): StreamColumns {
  const { values } = byDirection("bytes_in", "bytes_out")(attributes);
  if (values.length === 0 || !isRelayed(attributes)) return { counts: [], values };
  return { counts: [], values: [...values, rollupPosition("relay_bytes")] };
}

function connectionTime(attributes: AttributeReader): StreamColumns {
  const quality = QUALITIES.find((level) => level === attributes.get(ATTRIBUTES.quality)) ?? "unknown";
  const values = [rollupPosition("connected_seconds"), rollupPosition(`quality_${quality}_seconds`)];
  if (isRelayed(attributes)) values.push(rollupPosition("relay_seconds"));
  return { counts: [], values };
}

function isRelayed(attributes: AttributeReader): boolean {
  const relay = attributes.get(ATTRIBUTES.relay);
  return relay === true || relay === "true";
}

function onlyValue(column: string): MetricMeaning["columns"] {
  const columns: StreamColumns = { counts: [], values: [rollupPosition(column)] };
  return () => columns;
}

type Rest = Pick<MetricMeaning, "valueKind" | "keepsBuckets" | "protocol" | "side" | "columns">;

const SIZES = { valueKind: "whole", keepsBuckets: false, protocol: "http" } as const;
const DURATIONS = { valueKind: "seconds", keepsBuckets: true, protocol: "http" } as const;
const SERVER_IO = { valueKind: "whole", keepsBuckets: false, protocol: "http", side: "server" } as const;
const WEBRTC_WHOLE = { valueKind: "whole", keepsBuckets: false, protocol: "webrtc", side: "client" } as const;
const WEBRTC_MILLIS = { ...WEBRTC_WHOLE, valueKind: "millis" } as const;
const WEBRTC_SECONDS = { ...WEBRTC_WHOLE, valueKind: "seconds" } as const;

const latencyColumns = httpHistogram("latency", "latency_sum_seconds");
const requestBodyColumns = httpHistogram("request_body", "bytes_in");
const responseBodyColumns = httpHistogram("response_body", "bytes_out");

const MEANINGS: Readonly<Record<string, Rest>> = {
  "http.server.request.body.size": { ...SIZES, side: "server", columns: requestBodyColumns },
  "http.server.response.body.size": { ...SIZES, side: "server", columns: responseBodyColumns },
  "http.client.request.body.size": { ...SIZES, side: "client", columns: requestBodyColumns },
  "http.client.response.body.size": { ...SIZES, side: "client", columns: responseBodyColumns },
  "http.server.request.duration": { ...DURATIONS, side: "server", columns: latencyColumns },
  "http.client.request.duration": { ...DURATIONS, side: "client", columns: latencyColumns },
  "bandwidth.http.server.io": { ...SERVER_IO, columns: byDirection("wire_bytes_in", "wire_bytes_out") },
  "bandwidth.http.server.connection.io": {
    ...SERVER_IO,
    columns: byDirection("connection_bytes_in", "connection_bytes_out"),
  },
  "webrtc.io": { ...WEBRTC_WHOLE, columns: relayedBytes },
  "webrtc.wire.io": { ...WEBRTC_WHOLE, columns: byDirection("wire_bytes_in", "wire_bytes_out") },
  "webrtc.round_trip_time": {
    ...WEBRTC_SECONDS,
    keepsBuckets: true,
    columns: plainHistogram("latency_count", "latency_sum_seconds"),
  },
  "webrtc.jitter": { ...WEBRTC_SECONDS, columns: plainHistogram("jitter_count", "jitter_sum_seconds") },
  "webrtc.packets": { ...WEBRTC_WHOLE, columns: byDirection("packets_in", "packets_out") },
  "webrtc.packets.lost": { ...WEBRTC_WHOLE, columns: byDirection("packets_lost_in", "packets_lost_out") },
  "webrtc.connection.time": { ...WEBRTC_MILLIS, columns: connectionTime },
  "webrtc.freeze.time": { ...WEBRTC_MILLIS, columns: onlyValue("freeze_seconds") },
  "webrtc.frames": { ...WEBRTC_WHOLE, columns: onlyValue("frames") },
  "webrtc.frames.dropped": { ...WEBRTC_WHOLE, columns: onlyValue("frames_dropped") },
};

const BY_NAME: ReadonlyMap<string, MetricMeaning> = new Map(
  METRICS.map(({ name, unit, instrument }) => {
    const rest = MEANINGS[name];
    if (!rest) throw new Error(`metric ${name} has no meaning for the totals`);
    return [name, { name, unit, instrument, ...rest }];
  }),
);

/** The meaning of a metric by its name; `undefined` when it is not in our table. */
export function metricMeaning(name: string): MetricMeaning | undefined {
  return BY_NAME.get(name);
}
