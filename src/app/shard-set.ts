/**
 * Wiring: the shards of one layout, that is of one number of shards: a log, a lease, an owner and a share of the live figures each.
 * Another layout is another set; who uses one asks for the current set each time.
 */
import { randomBytes } from "node:crypto";
import { DecodedRoom } from "../aggregate/decoded-room.ts";
import { ShardOwner } from "../aggregate/shard-owner.ts";
import { TotalsReach } from "../aggregate/totals-reach.ts";
import type { Clock } from "../model/clock.ts";
import { MAX_LOGGED_BODY_BYTES, type IngestLog } from "../model/ingest-log.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { success, type Result } from "../model/result.ts";
import type { RollupStore } from "../model/rollup-store.ts";
import type { ShardLayout } from "../model/shard-layout.ts";
import { RememberedSpread } from "../model/shard-spread.ts";
import { createOpenBody } from "../otlp/open-body.ts";
import { walkCheckedMetrics } from "../otlp/walk-metrics.ts";
import type { IntakeAppend, IntakeShards } from "../receive/intake.ts";
import type { ReceiverHealth } from "./receiver-health.ts";
import type { ReceiverSettings } from "./settings.ts";
import type { LayoutShards } from "./shard-layouts.ts";
import type { LogShards, LogStores } from "./stores.ts";
import type { Tenants } from "./tenants.ts";

/** What a set of shards is made of. */
export interface ShardSetOptions {
  readonly settings: ReceiverSettings;
  readonly layout: ShardLayout;
  readonly clock: Clock;
  readonly logs: LogStores;
  /** The totals that a shard is counted in. */
  readonly totalsOf: (shard: number) => RollupStore;
  /** Times what the shards do. */
  readonly health: ReceiverHealth;
  readonly tenants: Tenants;
  readonly prices: RelayPrices;
  readonly report: (message: string) => void;
}

/** Inflated bodies that all shards together keep between the door and the fold, bytes. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;
const MAX_RECENT_DELTAS = 2_000_000;
/** Large entries that are opened at the same time, of all shards. */
const MAX_CONCURRENT_INFLATIONS = 4;
/** What a shard may remember of streams, bytes by an estimate, for each series of `METRICS_MAX_SERIES`. */
const STATE_BYTES_PER_SERIES = 24_576;

/** The shards of one layout. */
export class ShardSet implements IntakeShards, LayoutShards {
  /** By shard number. */
  readonly logs: readonly IngestLog[];
  readonly owners: readonly ShardOwner[];
  /** What all of them do now, for whoever only reads. */
  readonly realtime: RealtimeStore;
  readonly #opened: LogShards;

  /** Opens nothing that needs an answer; nothing is folded before `start`. */
  constructor(options: ShardSetOptions) {
    const { logs, totalsOf, health, layout } = options;
    this.#opened = logs.open(layout);
    const { realtime } = this.#opened;
    const timed = this.#opened.logs.map((log, shard) => health.timed({ log, realtime, store: totalsOf(shard) }));
    this.realtime = health.timedRealtime(realtime);
    this.logs = timed.map(({ log }) => log);
    const spread = new RememberedSpread(layout.shardCount);
    const reachOf = reaches(options.clock);
    const ofAll = foldOptions(options);
    this.owners = timed.map((stores, shard) => {
      const lease = this.#opened.leases[shard]!;
      const isOurs = (receivers: readonly string[]): boolean =>
        spread.receiverOf(receivers, shard) === this.#opened.receiver;
      const reach = reachOf(totalsOf(shard));
      return new ShardOwner({ ...stores, ...ofAll, shard, lease, isOurs, reach, maySeal: () => this.#maySeal });
    });
  }

  /** What the door has appended goes to the shard's owner, which may be another process. */
  appended({ shard, to, entry, body, isClean }: IntakeAppend): void {
    const { body: stored, contentType: _, encoding: __, ...rest } = entry;
    this.owners[shard]!.offer(to, { entry: { ...rest, id: to.id }, storedBytes: stored.length, body, isClean });
  }

  /** Starts to fold. Resolves when every shard was first looked for. */
  async start(): Promise<void> {
    await Promise.all(this.owners.map((owner) => owner.start()));
  }

  /** Finishes the shards as far as they are ours, so that the next layout may begin. */
  finish(): void {
    for (const owner of this.owners) owner.finish();
  }

  /** A log that is sealed keeps senders waiting until the last shard is finished: none is, while another has a long commit before it. */
  get #maySeal(): boolean {
    return this.owners.every(({ owns, isReadyToSeal }) => !owns || isReadyToSeal);
  }

  /** Whether all logs would take an append now. */
  async writable(): Promise<Result<void>> {
    const answers = await Promise.all(this.logs.map((log) => log.writable()));
    return answers.find(({ kind }) => kind !== "success") ?? success(undefined);
  }

  /** Folds and commits what the logs hold, as far as the shards are ours, and gives them up. */
  async stop(): Promise<void> {
    await Promise.all(this.owners.map((owner) => owner.stop()));
    this.#opened.close();
  }
}

/** One for each database. */
function reaches(clock: Clock): (store: RollupStore) => TotalsReach {
  const known = new Map<RollupStore, TotalsReach>();
  return (store) => {
    const reach = known.get(store) ?? new TotalsReach({ store, clock });
    known.set(store, reach);
    return reach;
  };
}

type FoldOptions = Omit<
  ConstructorParameters<typeof ShardOwner>[0],
  "shard" | "log" | "store" | "realtime" | "lease" | "isOurs" | "reach" | "maySeal" | "takeTimes" | "folded"
>;

function foldOptions(options: ShardSetOptions): FoldOptions {
  const { settings, layout, tenants, clock, prices, report } = options;
  const { epoch, shardCount } = layout;
  return {
    shardCount,
    layout: epoch,
    clock,
    // The door has judged the size, perhaps by another setting: what it took must be folded.
    openBody: createOpenBody({ maxInflatedBytes: MAX_LOGGED_BODY_BYTES, maxConcurrent: MAX_CONCURRENT_INFLATIONS }),
    newIdentity: () => randomBytes(16).toString("hex"),
    fold: {
      walk: walkCheckedMetrics,
      maxSeries: settings.maxSeries,
      maxSeriesOf: tenants.maxSeriesOf,
      deltaMaxAgeMillis: settings.deltaMaxAgeMillis,
      maxRecentDeltas: MAX_RECENT_DELTAS,
      maxStateBytes: settings.maxSeries * STATE_BYTES_PER_SERIES,
      prices,
    },
    batchEntries: settings.batchEntries,
    processIntervalMillis: settings.processIntervalMillis,
    persistIntervalMillis: settings.persistIntervalMillis,
    maxEntries: settings.bufferEntries,
    maxBytes: settings.bufferBytes,
    decodedRoom: new DecodedRoom(MAX_DECODED_BYTES),
    takeLimitedPoints: () => tenants.gate.takeRefusedPoints(),
    report,
  };
}
