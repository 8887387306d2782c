/**
 * Says in plain words where a replicated group would refuse a large commit for its size, and how to mend it. Asked at start and by `doctor`.
 */
import { mysqlServers } from "./mysql-address.ts";
import type { MysqlOptions } from "./mysql-database.ts";
import { type GroupTransactions, inspectMysql } from "./mysql-inspection.ts";

/** What one commit may hold. */
export interface LargestCommit {
  /** Series that a shard may have. */
  readonly series: number;
  /** Rows of minutes that may wait for a commit: more than one a series where SQL was away. */
  readonly minuteRows: number;
}

/**
 * Bytes that a series adds to a commit, all of it, and a further row of a minute: of series with as many latencies as the histograms have
 * buckets for, in a group of MySQL 9.7. See docs/scale.md.
 */
const BYTES = {
  plain: { FULL: 30_000, MINIMAL: 17_000, minuteRow: 4200 },
  compressed: { FULL: 7500, MINIMAL: 5500, minuteRow: 500 },
} as const;

/** The most that the limit can be set to. */
const MAX_LIMIT = 2_147_483_647;

/** Why a group so set would refuse such a commit, and what to set instead; undefined where it takes it. */
export function commitSizeFault(set: GroupTransactions, largest: LargestCommit): string | undefined {
  const bytes = bytesOf(set, largest);
  if (set.maxBytes === 0 || bytes <= set.maxBytes) return undefined;
  return (
    `a commit of ${largest.series} busy series (METRICS_MAX_SERIES) is up to ${megabytes(bytes)} where SQL was away for some minutes, ` +
    `group_replication_transaction_size_limit is ${megabytes(set.maxBytes)}: COMMIT would fail with 3100 time and again, and its shard ` +
    `stand still. ${mend(set, largest)}`
  );
}

/** The same of every member of a group that can be reached, each fault once; none of a server without a group. */
export async function checkMysqlCommitSize(options: MysqlOptions, largest: LargestCommit): Promise<readonly string[]> {
  const members = mysqlServers(options.url).map((url) => inspectMysql({ ...options, url }));
  const faults = (await Promise.all(members)).map((member) => {
    const set = member.kind === "success" ? member.value.groupTransactions : undefined;
    return set && commitSizeFault(set, largest);
  });
  return [...new Set(faults.filter((fault) => fault !== undefined))];
}

function mend(set: GroupTransactions, largest: LargestCommit): string {
  const compressed = bytesOf({ ...set, isCompressed: true }, largest);
  const limit = `group_replication_transaction_size_limit = ${compressed <= MAX_LIMIT ? compressed : 0}`;
  const smaller = "or lower METRICS_MAX_SERIES and have more SHARDS";
  if (set.isCompressed) return `Set ${limit} on each member, ${smaller}`;
  const also = compressed > set.maxBytes ? ` and ${limit}` : "";
  return `Set binlog_transaction_compression = ON${also} on each member (it is up to ${megabytes(compressed)} then), ${smaller}`;
}

function bytesOf({ rowImage, isCompressed }: GroupTransactions, { series, minuteRows }: LargestCommit): number {
  const bytes = isCompressed ? BYTES.compressed : BYTES.plain;
  const aSeries = rowImage === "MINIMAL" ? bytes.MINIMAL : bytes.FULL;
  const inCommit = Math.min(series, minuteRows);
  return inCommit * aSeries + (minuteRows - inCommit) * bytes.minuteRow;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
