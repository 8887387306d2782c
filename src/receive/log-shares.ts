/**
 * Which part of each shard's log holds what this receiver appended for whom. Logs number their entries without a gap, so a look at
 * how many a log holds, and up to which number, tells which of those that were appended are still there.
 */
import type { Clock } from "../model/clock.ts";
import { OVERFLOW_NAME } from "../model/dimensions.ts";
import type { AppendedEntry, IngestLog, LogLimits } from "../model/ingest-log.ts";
import { parseLogId } from "../model/log-id.ts";

/** What is shared. */
export interface LogSharesOptions {
  /** The logs now, by shard number. */
  readonly logs: () => readonly IngestLog[];
  readonly limits: LogLimits;
  readonly clock: Clock;
}

/** Logs are looked at this often, while anything is appended or refused. */
const LOOK_INTERVAL_MILLIS = 1000;
/** Tenants of a shard that are told apart; the rest share one share. */
const MAX_TENANTS = 10_000;
/** Entries are told apart in so many groups a shard: what is trimmed of a group counts until all of it is. */
const MAX_GROUPS = 256;

/** Bytes and entries, in parts where entries hold what several tenants sent. */
interface Held {
  bytes: number;
  entries: number;
}

/** Entries that followed each other. */
interface Group {
  lastNumber: number;
  readonly generation: number;
  readonly held: Map<string, Held>;
}

/** One shard's log, as far as this receiver filled it. */
interface ShardShares {
  groups: Group[];
  readonly held: Map<string, Held>;
  lookedAtMillis: number;
}

/** The shares of all logs. */
export class LogShares {
  readonly #options: LogSharesOptions;
  readonly #byLog = new WeakMap<IngestLog, ShardShares>();

  constructor(options: LogSharesOptions) {
    this.#options = options;
  }

  /** The part (0 to 1) of a shard's log that a tenant's data takes, by bytes or entries, whichever is more; some seconds old. */
  share(shard: number, tenant: string): number {
    const shares = this.#looked(shard);
    const { maxBytes, maxEntries } = this.#options.limits;
    const held = shares?.held.get(heldName(shares, tenant));
    return held === undefined ? 0 : Math.max(held.bytes / maxBytes, held.entries / maxEntries);
  }

  /** An entry was appended that holds these tenants' data, in these proportions; `bytes` as stored. */
  appended(
    shard: number,
    { id, generation }: AppendedEntry,
    bytes: number,
    tenants: ReadonlyMap<string, number>,
  ): void {
    const shares = this.#looked(shard);
    if (shares === undefined) return;
    const group = groupFor(shares, numberOf(id), generation, this.#options.limits.maxEntries / MAX_GROUPS);
    const whole = [...tenants.values()].reduce((sum, part) => sum + part, 0);
    for (const [tenant, part] of tenants) {
      const name = heldName(shares, tenant);
      const more = { bytes: (bytes * part) / whole, entries: part / whole };
      add(group.held, name, more, 1);
      add(shares.held, name, more, 1);
    }
  }

  /** The shares of a shard's log; begins to look at the log again when it is time. */
  #looked(shard: number): ShardShares | undefined {
    const [log, now] = [this.#options.logs()[shard], this.#options.clock.monotonicMillis()];
    if (log === undefined) return undefined;
    let shares = this.#byLog.get(log);
    if (shares === undefined) {
      shares = { groups: [], held: new Map(), lookedAtMillis: now };
      this.#byLog.set(log, shares);
    }
    if (shares.groups.length > 0 && now - shares.lookedAtMillis >= LOOK_INTERVAL_MILLIS) {
      shares.lookedAtMillis = now;
      void this.#look(shares, log);
    }
    return shares;
  }

  /** Forgets what is not in the log any more. Out of reach, a log is taken to hold what it held. */
  async #look(shares: ShardShares, log: IngestLog): Promise<void> {
    const status = await log.status();
    if (status.kind !== "success") return;
    const { lastId, entries, generation } = status.value;
    const trimmedThrough = numberOf(lastId) - entries;
    const kept: Group[] = [];
    for (const group of shares.groups) {
      if (group.generation >= generation && group.lastNumber > trimmedThrough) kept.push(group);
      else for (const [tenant, held] of group.held) add(shares.held, tenant, held, -1);
    }
    shares.groups = kept;
    // Sums of parts are not exact: what has nothing is not nearly nothing.
    if (kept.length === 0) shares.held.clear();
  }
}

function heldName({ held }: ShardShares, tenant: string): string {
  return held.has(tenant) || held.size < MAX_TENANTS ? tenant : OVERFLOW_NAME;
}

function numberOf(id: string): number {
  return Number(parseLogId(id)[0]);
}

/** The newest group, or a new one when it has its entries or is of another generation. */
function groupFor({ groups }: ShardShares, number: number, generation: number, entriesPerGroup: number): Group {
  const last = groups.at(-1);
  const isOpen = last?.generation === generation && (groups.length >= MAX_GROUPS || entriesOf(last) < entriesPerGroup);
  if (last && isOpen) {
    last.lastNumber = Math.max(last.lastNumber, number);
    return last;
  }
  const group: Group = { lastNumber: number, generation, held: new Map() };
  groups.push(group);
  return group;
}

function entriesOf({ held }: Group): number {
  let entries = 0;
  for (const part of held.values()) entries += part.entries;
  return entries;
}

function add(sums: Map<string, Held>, tenant: string, { bytes, entries }: Held, sign: 1 | -1): void {
  const sum = sums.get(tenant) ?? { bytes: 0, entries: 0 };
  sum.bytes += sign * bytes;
  sum.entries += sign * entries;
  if (sum.entries < 1e-6) sums.delete(tenant);
  else sums.set(tenant, sum);
}
