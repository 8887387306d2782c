/**
 * The one table of what the receiver tells of itself. None of these names is one that the receiver counts: should they come back
 * to it as OTLP, they are ignored. Docs are written from it.
 */

/** The names of the histograms. */
export type ReceiverHistogramName = "bandwidth.receiver.fold.duration" | "bandwidth.receiver.store.duration";

/** The names of all others: they are observed when they are read. */
export type ObservedMetricName =
  | "bandwidth.receiver.requests"
  | "bandwidth.receiver.points"
  | "bandwidth.receiver.tenant.refused"
  | "bandwidth.receiver.fold.entries"
  | "bandwidth.receiver.fold.points"
  | "bandwidth.receiver.quarantined"
  | "bandwidth.receiver.sql.statements"
  | "bandwidth.receiver.shards"
  | "bandwidth.receiver.series"
  | "bandwidth.receiver.log.entries"
  | "bandwidth.receiver.log.bytes"
  | "bandwidth.receiver.log.lag"
  | "bandwidth.receiver.persist.age"
  | "bandwidth.receiver.body.in_flight"
  | "bandwidth.receiver.sockets";

interface Definition {
  /** UCUM. */
  readonly unit: string;
  /** For a person; backquotes around names. */
  readonly attributes: string;
  readonly meaning: string;
}

/** A metric that is recorded. */
export interface ReceiverHistogramDefinition extends Definition {
  readonly name: ReceiverHistogramName;
  readonly instrument: "histogram";
}

/** A metric that is observed. */
export interface ObservedMetricDefinition extends Definition {
  readonly name: ObservedMetricName;
  readonly instrument: "counter" | "updowncounter" | "gauge";
}

function observed(
  name: ObservedMetricName,
  instrument: ObservedMetricDefinition["instrument"],
  unit: string,
  attributes: string,
  meaning: string,
): ObservedMetricDefinition {
  return { name, instrument, unit, attributes, meaning };
}

function duration(name: ReceiverHistogramName, attributes: string, meaning: string): ReceiverHistogramDefinition {
  return { name, instrument: "histogram", unit: "s", attributes, meaning };
}

const TRANSPORTS = "`bandwidth.transport`: `http`, `grpc` or `socket`";
const SHARD = "`bandwidth.shard`";

/** Every metric, in the order the documentation lists them. */
export const RECEIVER_METRICS: readonly (ReceiverHistogramDefinition | ObservedMetricDefinition)[] = [
  observed(
    "bandwidth.receiver.requests",
    "counter",
    "{request}",
    `${TRANSPORTS}; \`bandwidth.outcome\`: \`accepted\`, or why not: \`invalid\`, \`too_large\`, \`unauthenticated\`, \`unsupported\`, \`overloaded\`, \`limited\`, \`unavailable\`, \`internal\`, \`broken\``,
    "Requests over OTLP and events of pages that were answered.",
  ),
  observed(
    "bandwidth.receiver.points",
    "counter",
    "{point}",
    "`bandwidth.outcome`: `accepted`, `ignored`, `refused_time`, `refused_value`, `refused_metric`, `refused_tenant`",
    "Data points of requests that were answered 2xx: taken into the log, of metrics that are not counted, or refused (`partial_success`).",
  ),
  observed(
    "bandwidth.receiver.tenant.refused",
    "counter",
    "{point}",
    "`bandwidth.tenant`: `service.namespace`, of the first 100 that were refused, `__other__` for the rest; `bandwidth.limit`: `points`, `bytes`, `log`",
    "Data points refused because their tenant was over a limit of its own, whether answered 429 (they may have come again) or refused in a `partial_success`.",
  ),
  observed("bandwidth.receiver.fold.entries", "counter", "{entry}", "none", "Log entries whose points are in SQL."),
  observed(
    "bandwidth.receiver.fold.points",
    "counter",
    "{point}",
    "`bandwidth.outcome`: `counted`, `overflow`, `duplicate`, `baseline`, `faulty`",
    "What became of their data points, as `receiver_minute` has it. `overflow` is counted too, in the row `__other__`.",
  ),
  observed(
    "bandwidth.receiver.quarantined",
    "counter",
    "{metric}",
    "none",
    "Metrics that could not be folded and were put into quarantine.",
  ),
  duration("bandwidth.receiver.fold.duration", "none", "Time to fold what had come, once every process interval."),
  duration(
    "bandwidth.receiver.store.duration",
    "`bandwidth.store`: `log`, `realtime` or `totals`; `db.system.name`: `redis`, `mysql`, `sqlite` or `memory`; `db.operation.name`; `error.type` when it failed",
    "Time of a call to a store, statements and waiting included: `append` of the `log` is what a 2xx waits for, `commit` of the `totals` is the transaction.",
  ),
  observed(
    "bandwidth.receiver.sql.statements",
    "counter",
    "{statement}",
    "`bandwidth.statement.kind`: `write` or `read`",
    "SQL statements sent to the totals.",
  ),
  observed("bandwidth.receiver.shards", "updowncounter", "{shard}", "none", "Shards that this receiver owns."),
  observed("bandwidth.receiver.series", "updowncounter", "{series}", SHARD, "Active series of an owned shard."),
  observed(
    "bandwidth.receiver.log.entries",
    "updowncounter",
    "{entry}",
    SHARD,
    "Entries in the log of an owned shard that are not yet in SQL; `METRICS_BUFFER_SIZE` is the limit.",
  ),
  observed(
    "bandwidth.receiver.log.bytes",
    "updowncounter",
    "By",
    SHARD,
    "Bytes of their bodies; `METRICS_BUFFER_BYTES` is the limit.",
  ),
  observed(
    "bandwidth.receiver.log.lag",
    "gauge",
    "s",
    SHARD,
    "Age of the oldest entry of an owned shard that is not folded yet; 0 when all are.",
  ),
  observed(
    "bandwidth.receiver.persist.age",
    "gauge",
    "s",
    SHARD,
    "Time since the last commit of an owned shard; above three persist intervals the totals are not fresh.",
  ),
  observed(
    "bandwidth.receiver.body.in_flight",
    "updowncounter",
    "By",
    "`bandwidth.buffer`: `http`, `grpc`, `open`",
    "Bytes of bodies that are held: as they come, and once inflated (`open`).",
  ),
  observed(
    "bandwidth.receiver.sockets",
    "updowncounter",
    "{connection}",
    "`bandwidth.server`: `http`, `grpc` or `bridge`",
    "Open connections.",
  ),
];
