/**
 * The one table of what a rollup row counts: the columns of `metrics_minute`, `metrics_hourly` and `metrics_daily` that
 * the fold adds to. Stores build their statements from it, migrations and docs are checked against it.
 */

/**
 * How a column is counted and stored.
 * `count`: whole number, BIGINT. `millis`: whole milliseconds in memory, seconds as DECIMAL(20,3) in SQL.
 * `seconds`: a double, seconds.
 */
export type RollupColumnKind = "count" | "millis" | "seconds";

/** One column. */
export interface RollupColumn {
  readonly name: string;
  readonly kind: RollupColumnKind;
  readonly meaning: string;
}

const count = (name: string, meaning: string): RollupColumn => ({ name, kind: "count", meaning });
const millis = (name: string, meaning: string): RollupColumn => ({ name, kind: "millis", meaning });
const seconds = (name: string, meaning: string): RollupColumn => ({
  name,
  kind: "seconds",
  meaning,
});

/** The columns, in the order of {@link RollupValues}. */
export const ROLLUP_COLUMNS: readonly RollupColumn[] = [
  count("latency_count", "Observations of the request duration (HTTP) or round-trip time (WebRTC)."),
  count("latency_error_count", "Of these, the ones with a status of 500 or more or an `error.type`."),
  count("request_body_count", "Observations of the request body size."),
  count("request_body_error_count", "Of these, the ones with a status of 500 or more or an `error.type`."),
  count("response_body_count", "Observations of the response body size."),
  count("response_body_error_count", "Of these, the ones with a status of 500 or more or an `error.type`."),
  count("bytes_in", "HTTP: request body bytes. WebRTC: bytes the participant received."),
  count("bytes_out", "HTTP: response body bytes. WebRTC: bytes the participant sent."),
  count("wire_bytes_in", "HTTP: whole messages received by the server. WebRTC: estimated wire bytes received."),
  count("wire_bytes_out", "HTTP: whole messages sent by the server. WebRTC: estimated wire bytes sent."),
  count("connection_bytes_in", "Bytes read from the server's sockets."),
  count("connection_bytes_out", "Bytes written to the server's sockets."),
  seconds("latency_sum_seconds", "Sum of the observed durations or round-trip times."),
  millis("connected_seconds", "Connected time of participants."),
  millis("relay_seconds", "Connected time over a TURN relay."),
  count("relay_bytes", "WebRTC bytes of both directions over a TURN relay."),
  count("relay_cost_nanos", "Price of the relay use when it was folded, in billionths of the currency unit."),
  count("packets_in", "RTP packets received."),
  count("packets_out", "RTP packets sent."),
  count("packets_lost_in", "RTP packets lost on the way in."),
  count("packets_lost_out", "RTP packets lost on the way out."),
  count("jitter_count", "Observations of jitter."),
  seconds("jitter_sum_seconds", "Sum of the observed jitter."),
  millis("freeze_seconds", "Time that received video stood still."),
  count("frames", "Video frames sent and received."),
  count("frames_dropped", "Video frames dropped."),
  millis("quality_excellent_seconds", "Connected time of excellent quality."),
  millis("quality_good_seconds", "Connected time of good quality."),
  millis("quality_fair_seconds", "Connected time of fair quality."),
  millis("quality_poor_seconds", "Connected time of poor quality."),
  millis("quality_unknown_seconds", "Connected time of unknown quality."),
];

/** A value for each of {@link ROLLUP_COLUMNS}, by position; whole below 2^53 for `count` and `millis`. */
export type RollupValues = Float64Array;

const POSITIONS: ReadonlyMap<string, number> = new Map(
  ROLLUP_COLUMNS.map((column, position) => [column.name, position]),
);

/** The position of a column in {@link RollupValues}. Throws on a name that is not in the table. */
export function rollupPosition(name: string): number {
  const position = POSITIONS.get(name);
  if (position === undefined) throw new Error(`no rollup column is named ${name}`);
  return position;
}

const DOUBLES = Uint8Array.from(ROLLUP_COLUMNS, ({ kind }) => (kind === "seconds" ? 1 : 0));

/** Whether a sum can be kept in {@link RollupValues} as it is: whole numbers must be below 2^53 to be exact, doubles need not. */
export function fitsRollupValue(position: number, sum: number): boolean {
  return sum <= Number.MAX_SAFE_INTEGER || DOUBLES[position] === 1;
}

/** Columns that SQL generates from stored ones; they are read, never written. */
export const GENERATED_COLUMNS: readonly {
  readonly name: string;
  readonly expression: string;
  readonly meaning: string;
}[] = [
  {
    name: "requests",
    expression: "the greatest of latency_count, request_body_count and response_body_count",
    meaning: "Requests; SDKs leave out one or another observation.",
  },
  {
    name: "errors",
    expression: "the greatest of the three error counts",
    meaning: "Requests that failed: a status of 500 or more, or an `error.type`.",
  },
  {
    name: "relay_cost",
    expression: "relay_cost_nanos / 10^9",
    meaning: "Price of the relay use, in the currency of the price settings.",
  },
];
