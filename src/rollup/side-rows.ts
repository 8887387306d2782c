/**
 * The rows a commit writes beside the totals, as lists of column values: series, health, state, ledger, quarantine. Both
 * engines bind them in this order.
 */
import type { SeriesDimensions } from "../model/dimensions.ts";
import type { ReceiverCounts, ShardCommit } from "../model/rollup-store.ts";
import { MAX_QUARANTINE_PAYLOAD_BYTES, MAX_QUARANTINE_REASON_LENGTH } from "./retention.ts";

/** A value as it is bound to a statement. */
export type SqlValue = string | number | bigint | Uint8Array;

/** A row to write, by position of its table's columns. */
export type SideRow = readonly SqlValue[];

/** The columns of `series` besides `series_id`, with their names in {@link SeriesDimensions}. */
export const SERIES_COLUMNS: readonly (readonly [column: string, dimension: keyof SeriesDimensions])[] = [
  ["protocol", "protocol"],
  ["namespace", "namespace"],
  ["service", "service"],
  ["environment", "environment"],
  ["side", "side"],
  ["method", "method"],
  ["route", "route"],
  ["status_code", "statusCode"],
  ["meeting_id", "meetingId"],
  ["participant_id", "participantId"],
];

/** The counting columns of `receiver_minute`, with their names in {@link ReceiverCounts}. */
export const RECEIVER_COLUMNS: readonly (readonly [column: string, count: keyof ReceiverCounts])[] = [
  ["entries", "entries"],
  ["points", "points"],
  ["points_refused", "pointsRefused"],
  ["points_ignored", "pointsIgnored"],
  ["points_duplicate", "pointsDuplicate"],
  ["points_baseline", "pointsBaseline"],
  ["points_faulty", "pointsFaulty"],
  ["quarantined", "quarantined"],
  ["points_overflow", "pointsOverflow"],
  ["points_refused_time", "pointsRefusedTime"],
  ["points_refused_value", "pointsRefusedValue"],
  ["points_limited", "pointsLimited"],
  ["lag_millis", "lagMillis"],
  ["commits", "commits"],
  ["commit_micros", "commitMicros"],
  ["log_calls", "logCalls"],
  ["log_micros", "logMicros"],
  ["realtime_updates", "realtimeUpdates"],
  ["realtime_micros", "realtimeMicros"],
];

/** What a commit does with a row whose key is already there. */
export type OnDuplicate = "keep" | "add" | "replace";

/** A table that a commit writes rows to, beside the totals. */
export interface SideTable {
  readonly name: string;
  readonly keyColumns: readonly string[];
  readonly valueColumns: readonly string[];
  readonly onDuplicate: OnDuplicate;
  /** The commit's rows for it, sorted by key: key columns first, then value columns. */
  rowsOf(commit: ShardCommit): readonly SideRow[];
}

/** The tables beside the totals, in the order in which a commit writes them. */
export const SIDE_TABLES: readonly SideTable[] = [
  {
    name: "series",
    keyColumns: ["series_id"],
    valueColumns: SERIES_COLUMNS.map(([column]) => column),
    onDuplicate: "keep",
    rowsOf: ({ series }) =>
      series
        .toSorted((a, b) => compare(a.seriesId, b.seriesId))
        .map(({ seriesId, dimensions }) => [seriesId, ...SERIES_COLUMNS.map(([, name]) => dimensions[name])]),
  },
  {
    name: "receiver_minute",
    keyColumns: ["bucket_start", "shard"],
    valueColumns: RECEIVER_COLUMNS.map(([column]) => column),
    onDuplicate: "add",
    rowsOf: ({ receiver, shard }) =>
      receiver
        .toSorted((a, b) => a.bucketStart - b.bucketStart)
        .map(({ bucketStart, counts }) => [bucketStart, shard, ...RECEIVER_COLUMNS.map(([, name]) => counts[name])]),
  },
  {
    name: "counter_state",
    keyColumns: ["state_key"],
    valueColumns: ["slot", "touched_at", "state"],
    onDuplicate: "replace",
    rowsOf: ({ counterState }) =>
      counterState
        .toSorted((a, b) => compare(a.stateKey, b.stateKey))
        .map(({ stateKey, slot, touchedAt, state }) => [stateKey, slot, touchedAt, state]),
  },
  {
    name: "ingest_ledger",
    keyColumns: ["shard", "received_at", "generation", "last_id", "position"],
    valueColumns: ["slot", "entries"],
    onDuplicate: "replace",
    rowsOf: ({ shard, offset, ledger }) =>
      ledger.map(({ slot, entries, receivedAt }, position) => [
        shard,
        receivedAt,
        offset.generation,
        offset.toId,
        position,
        slot,
        entries,
      ]),
  },
  {
    name: "ingest_quarantine",
    keyColumns: ["shard", "generation", "log_id", "last_id", "position"],
    valueColumns: ["received_at", "reason", "payload"],
    onDuplicate: "replace",
    rowsOf: ({ shard, offset, quarantine }) =>
      quarantine.map(({ logId, receivedAt, reason, payload }, position) => [
        shard,
        offset.generation,
        logId,
        offset.toId,
        position,
        receivedAt,
        reason.slice(0, MAX_QUARANTINE_REASON_LENGTH).toWellFormed(),
        payload.subarray(0, MAX_QUARANTINE_PAYLOAD_BYTES),
      ]),
  },
];

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
