/**
 * The port behind the fold: SQL totals, counter state, ledger and log offset, written in one transaction a commit.
 * Implemented in `rollup/` on MySQL/MariaDB and on SQLite.
 */
import type { SeriesDimensions, ServiceLatencyKey } from "./dimensions.ts";
import type { LatencyCounts, LatencyHistogram } from "./latency-histogram.ts";
import type { Result } from "./result.ts";
import type { RollupValues } from "./rollup-columns.ts";
import type { ShardSlots } from "./shard-layout.ts";

/** A granularity's name. */
export type Granularity = "minute" | "hourly" | "daily";

/** A granularity, its table and how long its rows are kept. */
export interface GranularityDefinition {
  readonly name: Granularity;
  readonly table: string;
  readonly bucketSeconds: number;
  /** `Infinity`: for ever. */
  readonly keptSeconds: number;
}

/** The three granularities, finest first. */
export const GRANULARITIES: readonly GranularityDefinition[] = [
  { name: "minute", table: "metrics_minute", bucketSeconds: 60, keptSeconds: 48 * 3600 },
  { name: "hourly", table: "metrics_hourly", bucketSeconds: 3600, keptSeconds: 400 * 86_400 },
  { name: "daily", table: "metrics_daily", bucketSeconds: 86_400, keptSeconds: Number.POSITIVE_INFINITY },
];

/** What is added to one row of a rollup table. */
export interface RollupIncrement {
  readonly seriesId: bigint;
  /** Start of the bucket, epoch seconds UTC. */
  readonly bucketStart: number;
  /** What to add, by position of `ROLLUP_COLUMNS`. */
  readonly values: RollupValues;
  /** Further amounts to add, by position: what would have passed 2^53 in `values`. Each is whole and below 2^53. */
  readonly carry: readonly (readonly [position: number, amount: number])[];
  /** What to add to `latency_histogram`; empty for nothing. */
  readonly latency: LatencyCounts;
}

/** What is added to one row of `service_latency_minute` or `service_latency_hourly`. */
export interface ServiceLatencyIncrement {
  readonly key: ServiceLatencyKey;
  readonly bucketStart: number;
  readonly count: number;
  readonly sumSeconds: number;
  readonly latency: LatencyCounts;
}

/** What is added to one row of `receiver_minute`: our own health. */
export interface ReceiverIncrement {
  /** Start of the minute of the receive time, epoch seconds UTC. */
  readonly bucketStart: number;
  readonly counts: ReceiverCounts;
}

/** The columns of `receiver_minute`, named in camel case here and in snake case in SQL. All are whole. */
export interface ReceiverCounts {
  /** Log entries folded. */
  readonly entries: number;
  /** Data points that went into totals. */
  readonly points: number;
  /** Data points refused at the door. */
  readonly pointsRefused: number;
  /** Data points of metrics that are not in our table. */
  readonly pointsIgnored: number;
  /** Data points that were already in the totals. */
  readonly pointsDuplicate: number;
  /** First points of streams begun before we were watching: they set the baseline. */
  readonly pointsBaseline: number;
  /** Cumulative points that went down or jumped beyond belief. */
  readonly pointsFaulty: number;
  /** Metrics put into quarantine, those included for which it had no room. */
  readonly quarantined: number;
  /** Data points counted in an overflow row. */
  readonly pointsOverflow: number;
  /** Of the refused data points, those whose time is missing, too old or too far ahead: a clock may be wrong. */
  readonly pointsRefusedTime: number;
  /** Of the refused data points, those whose value no total can hold. The rest have the unit or kind of another metric. */
  readonly pointsRefusedValue: number;
  /**
   * Data points that the doors of the shard owner's process refused, for any shard, because their tenant was over a limit. Those of
   * requests answered 429 are among them: they may have come again.
   */
  readonly pointsLimited: number;
  /** Milliseconds from the receipt of an entry to its folding, added up over the entries. */
  readonly lagMillis: number;
  /** Commits to SQL that the shard's owner tried. A commit cannot tell of itself: these are the ones before it. */
  readonly commits: number;
  /** Microseconds that they took. */
  readonly commitMicros: number;
  /** Calls to the shard's log in its owner's process, in the same time: appends, reads, trims and the like. */
  readonly logCalls: number;
  /** Microseconds that they took. */
  readonly logMicros: number;
  /** Updates of the live figures in the same time. */
  readonly realtimeUpdates: number;
  /** Microseconds that they took. */
  readonly realtimeMicros: number;
}

/** What the stores of a shard took of time: see {@link ReceiverCounts}. */
export type StoreTimes = Pick<
  ReceiverCounts,
  "commits" | "commitMicros" | "logCalls" | "logMicros" | "realtimeUpdates" | "realtimeMicros"
>;

/** A row of `counter_state`: the packed state of one resource and scope. */
export interface CounterStateRow {
  /** 32 lower-case hexadecimal digits: a hash of the resource and scope. */
  readonly stateKey: string;
  readonly slot: number;
  readonly state: Uint8Array;
  /** Newest receive time that touched it, epoch seconds. */
  readonly touchedAt: number;
}

/** A row of `ingest_ledger`: what one commit accepted of delta data in one slot, packed. */
export interface LedgerRow {
  readonly slot: number;
  readonly entries: Uint8Array;
  /** Newest receive time in it, epoch seconds. */
  readonly receivedAt: number;
}

/** How much of a shard's ledger is read at once, by receive time: all of it would take more memory than the fold that needs it. */
export const LEDGER_PAGE_SECONDS = 900;

/** A part of a shard's ledger. */
export interface LedgerPage {
  /** Oldest first. */
  readonly rows: readonly LedgerRow[];
  /** Receive time of the oldest row behind the page, epoch seconds; undefined when there is none. */
  readonly nextReceivedAt: number | undefined;
}

/** A row of `ingest_quarantine`: a metric that can never be folded, or an amount that no total can hold. */
export interface QuarantineRow {
  /** The log id of the entry it came in. */
  readonly logId: string;
  /** Epoch seconds. */
  readonly receivedAt: number;
  readonly reason: string;
  /** The `Metric`, `ResourceMetrics` or body (protobuf) that was put aside, or what could be kept of it; of amounts, JSON. */
  readonly payload: Uint8Array;
}

/** From where a commit leads the offset of its shard, and where to. */
export interface CommitOffset {
  readonly generation: number;
  readonly fromId: string;
  /** `fromId` where nothing was read. */
  readonly toId: string;
  /** {@link ShardOffset.commits} before it, so that a commit of nothing is known again, too; `undefined`: whatever they are. */
  readonly commits: number | undefined;
}

/** Everything one commit changes, in one transaction. */
export interface ShardCommit extends ShardSlots {
  readonly offset: CommitOffset;
  /** Receive time that the commit stands for, epoch seconds: `ingest_offset.persisted_at`. */
  readonly persistedAt: number;
  /** Series that this owner has not yet written; writing one again is harmless. */
  readonly series: readonly { readonly seriesId: bigint; readonly dimensions: SeriesDimensions }[];
  readonly rollups: Readonly<Record<Granularity, readonly RollupIncrement[]>>;
  readonly latencies: Readonly<Record<"minute" | "hourly", readonly ServiceLatencyIncrement[]>>;
  readonly receiver: readonly ReceiverIncrement[];
  readonly counterState: readonly CounterStateRow[];
  readonly ledger: readonly LedgerRow[];
  /** Ledger rows of this shard's slots received before this time (epoch seconds) are deleted. */
  readonly ledgerExpiredBefore: number;
  readonly quarantine: readonly QuarantineRow[];
}

/** Where a shard stands in its log. */
export interface ShardOffset {
  /** How often the log was opened: commits of an earlier generation are refused. */
  readonly generation: number;
  /** The last entry that is in the totals. */
  readonly lastId: string;
  /** What the log was opened as for this generation; empty before the first opening. */
  readonly logIdentity: string;
  /** Epoch seconds; 0 before the first commit. */
  readonly persistedAt: number;
  /** How many commits the shard has had: tells whether an offset was reached by one commit or by others. */
  readonly commits: number;
  /** The `ShardLayout.epoch` that the shard is of. */
  readonly layout: number;
  /** Whether its log is sealed and folded to its end, so that the next layout may begin. */
  readonly isFinished: boolean;
}

/** How far the totals are known to be: what is read together with it must not be older. */
export interface SeenCommits {
  readonly shard: number;
  /** {@link ShardOffset.commits}. */
  readonly commits: number;
}

/** The totals' store. No method throws for an operating fault. */
export interface RollupStore {
  /** Epoch seconds at which migration 1 ran: streams begun at or after it count in full. */
  birth(): Promise<Result<number>>;
  /**
   * The offset of a shard; a shard that never committed is at (1, `LOG_START`), and its row is made. Retryable `unavailable`, also when
   * there is no such shard in the layout.
   */
  offset(shard: number): Promise<Result<ShardOffset>>;
  /**
   * Begins the next generation of a shard's log: from then on no commit of an earlier one is accepted. Compared and set like a
   * commit: failure `conflict` when the offset is not at `from`. Retryable `unavailable`, also when the outcome is unknown.
   */
  advanceGeneration(
    shard: number,
    from: ShardOffset,
    to: Pick<ShardOffset, "generation" | "logIdentity">,
  ): Promise<Result<void>>;
  /**
   * Marks a shard finished whose sealed log is folded and committed to its end, and begins the next generation, so that no owner can
   * open that log any more. Failure `conflict` when the offset is not at `from`. Retryable `unavailable`, also when the outcome is unknown.
   */
  finish(shard: number, from: ShardOffset): Promise<Result<void>>;
  /**
   * The rows of these state keys; absent keys are left out. Retryable `unavailable` where the server that answers has not seen as
   * many commits as `atLeast` says: a primary of before that wakes up, or a replica behind a proxy.
   */
  counterState(stateKeys: readonly string[], atLeast?: SeenCommits): Promise<Result<readonly CounterStateRow[]>>;
  /**
   * The ledger rows of a shard's slots received within {@link LEDGER_PAGE_SECONDS} from a time on (epoch seconds), whichever shard wrote
   * them. Retryable `unavailable` where the server that answers has seen fewer than `commits` commits of the shard.
   */
  ledger(slots: ShardSlots, receivedAtOrAfter: number, commits?: number): Promise<Result<LedgerPage>>;
  /**
   * Writes everything or nothing, but for amounts that would carry a total past 64 bits and quarantine past its limit: those
   * amounts go to quarantine, and what quarantine has no room for is only counted. The offset is compared and set: failure `conflict` when it is not at `fromId` of this
   * generation, or has had other commits. Any error rolls the whole back: retryable `unavailable`, also when the outcome is unknown (connection lost
   * in COMMIT): the caller reads `offset` to learn it.
   */
  commit(commit: ShardCommit): Promise<Result<void>>;
  /**
   * Prepares room for what comes after `nowSeconds`, and deletes what is past its retention at `retentionSeconds`. Safe to run from
   * several processes.
   */
  maintain(nowSeconds: number, retentionSeconds: number): Promise<Result<void>>;
  /** The latest `retentionSeconds` that the totals were maintained with; before the first time, when they were committed last, or 0. */
  maintainedAt(): Promise<Result<number>>;
  /** Whether the store can be reached and its migrations are done: for `/readyz`. */
  ready(): Promise<Result<void>>;
  /** Counts of statements since start, for our own health. */
  statementCounts(): { readonly writes: number; readonly reads: number };
  /** Ends connections; further calls answer `unavailable`. */
  close(): Promise<void>;
}

/** A finished total, for readers (demo, verify, tests): one row of a rollup table with its series. */
export interface RollupRow {
  readonly bucketStart: number;
  readonly seriesId: bigint;
  readonly dimensions: SeriesDimensions;
  /** Every stored column by name, exact; `millis` columns in milliseconds; `seconds` columns are numbers. */
  readonly values: Readonly<Record<string, bigint | number>>;
  readonly requests: bigint;
  readonly errors: bigint;
  readonly latency: LatencyHistogram;
}

/** Reads totals back. */
export interface RollupReader {
  /** The rows of a granularity with `fromSeconds <= bucket_start < toSeconds`, by bucket, then series id. */
  rows(granularity: Granularity, fromSeconds: number, toSeconds: number): Promise<Result<readonly RollupRow[]>>;
}
