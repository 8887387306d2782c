/**
 * What a shard's owner lives in: a log, SQLite totals, a lease and time, all of which tests hold in their hands. Owners
 * come and go, the world stays.
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DecodedRoom } from "../../src/aggregate/decoded-room.ts";
import { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import type { ShardOwnerOptions } from "../../src/aggregate/shard-owner-options.ts";
import type { AppendedEntry, IngestLog } from "../../src/model/ingest-log.ts";
import { success, type Result } from "../../src/model/result.ts";
import type { RollupStore, SeenCommits, ShardCommit } from "../../src/model/rollup-store.ts";
import type { ShardLease } from "../../src/model/shard-lease.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { MemoryRealtimeStore } from "../../src/realtime/memory-realtime-store.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { openSqliteRollupStore, type SqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { columnSums } from "../support/totals.ts";

/** Epoch seconds at which the worlds begin. */
export const BEGIN = 1_800_000_000;
/** Milliseconds between two foldings, and between two commits. */
export const PROCESS = 5000;
export const PERSIST = 60_000;

/** The calls that owners make of log, totals and lease, as tests may intervene in them. */
export interface OwnerPorts {
  readonly log: IngestLog;
  readonly store: RollupStore;
  readonly lease: ShardLease;
}

/** Owners of this world hold the lease whenever `holds` says so. */
export class OwnerWorld {
  readonly clock: FakeClock = new FakeClock(BEGIN * 1000);
  readonly log: MemoryLog = new MemoryLog();
  readonly store: SqliteRollupStore;
  readonly reports: string[] = [];
  /** Every commit that reached the totals' store, whatever came of it. */
  readonly commits: ShardCommit[] = [];
  /** How far the totals had to be, at least, for each read of counter state and of the ledger. */
  readonly asked: SeenCommits[] = [];
  /** What the store makes of a commit; replace it to intervene. */
  commit: (commit: ShardCommit) => Promise<Result<void>>;
  holds = true;
  readonly foldOptions: ShardOwnerOptions["fold"] = {
    walk: walkMetrics,
    maxSeries: 1000,
    deltaMaxAgeMillis: 3_600_000,
    maxRecentDeltas: 10_000,
    maxStateBytes: 10_000_000,
    prices: { nanosPerUserHour: 0, nanosPerGigabyte: 0 },
  };
  /** Who is seen to stand for the shard; owners of this world are called "me". */
  candidates: readonly string[] = ["me"];
  handedOver = 0;
  released = 0;
  #openings = 0;

  constructor(file: string) {
    this.store = valueOf(openSqliteRollupStore({ file }));
    this.commit = (commit) => this.store.commit(commit);
  }

  /** Log, totals and lease, before any fault. */
  ports(): OwnerPorts {
    const { store } = this;
    return {
      log: this.log,
      lease: {
        stand: async () => ({ state: this.holds ? "held" : "taken", candidates: this.candidates }),
        hold: async () => this.holds,
        handOver: async () => void this.handedOver++,
        release: async () => void this.released++,
      },
      store: {
        birth: () => store.birth(),
        offset: (shard) => store.offset(shard),
        advanceGeneration: (shard, from, to) => store.advanceGeneration(shard, from, to),
        finish: (shard, from) => store.finish(shard, from),
        counterState: (keys, atLeast) => {
          if (atLeast) this.asked.push(atLeast);
          return store.counterState(keys);
        },
        ledger: (slots, since, commits = -1) => {
          this.asked.push({ shard: slots.shard, commits });
          return store.ledger(slots, since);
        },
        commit: (commit) => {
          this.commits.push(commit);
          return this.commit(commit);
        },
        maintain: (now, retention) => store.maintain(now, retention),
        maintainedAt: () => store.maintainedAt(),
        ready: () => store.ready(),
        statementCounts: () => store.statementCounts(),
        close: () => store.close(),
      },
    };
  }

  /** An owner, not started. */
  owner(changes: Partial<ShardOwnerOptions> = {}): ShardOwner {
    return new ShardOwner({
      shard: 0,
      shardCount: 1,
      layout: 1,
      ...this.ports(),
      realtime: new MemoryRealtimeStore(),
      clock: this.clock,
      openBody: async (body) => success(body),
      newIdentity: () => `opening ${++this.#openings}`,
      fold: this.foldOptions,
      batchEntries: 3,
      processIntervalMillis: PROCESS,
      persistIntervalMillis: PERSIST,
      maxEntries: 1000,
      maxBytes: 1_000_000_000,
      decodedRoom: new DecodedRoom(1_000_000),
      report: (message) => void this.reports.push(message),
      ...changes,
    });
  }

  /** A started owner that has the shard. */
  async started(changes: Partial<ShardOwnerOptions> = {}): Promise<ShardOwner> {
    const owner = this.owner(changes);
    // Not awaited: a process that dies in a test never comes back from it.
    void owner.start();
    await settled();
    return owner;
  }

  /** Appends what the door would. */
  async append(body: Uint8Array, hasDelta: boolean = false): Promise<AppendedEntry> {
    const appended = await this.log.append({
      contentType: "protobuf",
      encoding: "identity",
      body,
      bodyHash: hasDelta ? createHash("sha256").update(body).digest() : new Uint8Array(0),
      receivedAtMillis: this.clock.nowMillis(),
    });
    return valueOf(appended);
  }

  /** The sums of the totals' whole columns; fails when the three granularities do not agree. */
  async totals(): Promise<Record<string, bigint>> {
    const [minute, hourly, daily] = [
      await columnSums(this.store, "minute"),
      await columnSums(this.store, "hourly"),
      await columnSums(this.store, "daily"),
    ];
    for (const other of [hourly, daily]) {
      if (!sameSums(minute, other)) throw new Error("the granularities do not agree");
    }
    return minute;
  }
}

function sameSums(left: Record<string, bigint>, right: Record<string, bigint>): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}

const nanos = (millis: number): bigint => BigInt(millis) * 1_000_000n;
/** When the processes began that send to these worlds, nanoseconds. */
export const START: bigint = nanos(BEGIN * 1000 + 1);

/** A cumulative point of a process that began with the world, or at `start`. */
export function cumulative(world: OwnerWorld, value: bigint, start: bigint = START): Uint8Array {
  return cumulativeOf(world, "", value, start);
}

/** The same of a service; `""`: of one without a name. */
export function cumulativeOf(world: OwnerWorld, service: string, value: bigint, start: bigint = START): Uint8Array {
  const time = nanos(world.clock.nowMillis()) + 2_000_000n;
  const point = { attributes: { "network.io.direction": "receive" }, start, time, value };
  return otlpRequest([
    {
      ...(service === "" ? {} : { attributes: { "service.name": service } }),
      metrics: [{ name: "bandwidth.http.server.io", unit: "By", sum: [point] }],
    },
  ]);
}

/** A delta point of one second. */
export function delta(world: OwnerWorld, value: bigint): Uint8Array {
  const time = nanos(world.clock.nowMillis());
  const point = { attributes: { "network.io.direction": "transmit" }, start: time - 1_000_000_000n, time, value };
  return otlpRequest([
    { metrics: [{ name: "bandwidth.http.server.io", unit: "By", temporality: "delta", sum: [point] }] },
  ]);
}

/** Makes worlds quickly: the schema is made once and copied. */
export class OwnerWorlds {
  readonly #folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-owner-"));
  readonly #template = join(this.#folder, "template.db");
  readonly #open: OwnerWorld[] = [];
  #count = 0;

  async prepare(): Promise<void> {
    valueOf(await migrateUp(sqliteMigrationDatabase({ file: this.#template }), BEGIN));
  }

  make(): OwnerWorld {
    const file = join(this.#folder, `${++this.#count}.db`);
    copyFileSync(this.#template, file);
    const world = new OwnerWorld(file);
    this.#open.push(world);
    return world;
  }

  async remove(): Promise<void> {
    for (const world of this.#open) await world.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
