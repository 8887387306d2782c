/** A receiver of a simulation: the door, the fold and the owners of the real one, on modelled servers. */
import { gunzipSync } from "node:zlib";
import { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import type { OpenBody } from "../../src/model/metrics-walk.ts";
import type { OtlpAcceptance, OtlpRequest } from "../../src/model/otlp-exchange.ts";
import type { RealtimeStore } from "../../src/model/realtime-store.ts";
import { retryable, success, type Result } from "../../src/model/result.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import type { ShardLease } from "../../src/model/shard-lease.ts";
import { spreadShards } from "../../src/model/shard-spread.ts";
import { walkCheckedMetrics, walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { Intake, type IntakeShards } from "../../src/receive/intake.ts";
import type { RequestTarget } from "./sender-network.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** What a receiver reaches of the world. */
export interface ReceiverPorts {
  readonly logs: readonly IngestLog[];
  readonly leases: readonly ShardLease[];
  readonly store: RollupStore;
}

/** The settings of a receiver that matter here. */
export interface ReceiverSetup {
  readonly batchEntries: number;
  readonly processIntervalMillis: number;
  readonly persistIntervalMillis: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxDecodedBytes: number;
  readonly newIdentity: () => string;
  readonly report: (message: string) => void;
  /** What the door tells the owners of an append, as it does or otherwise. */
  readonly offeredGeneration: (shard: number, generation: number) => number;
}

const DELTA_MAX_AGE_MILLIS = 3_600_000;

const openBody: OpenBody = async (body, _contentType, encoding) =>
  success(encoding === "gzip" ? gunzipSync(body) : body);

/** Nobody looks at rates here. */
const realtime: RealtimeStore = {
  update: async () => success(undefined),
  snapshot: async () => success({ series: [], steps: [] }),
};

/** One life of a receiver. */
export class SimulatedReceiver implements RequestTarget {
  readonly process: SimulatedProcess;
  readonly owners: readonly ShardOwner[];
  readonly #intake: Intake;
  #stopping = false;

  constructor(process: SimulatedProcess, { logs, leases, store }: ReceiverPorts, setup: ReceiverSetup) {
    const { newIdentity, report, offeredGeneration, ...settings } = setup;
    this.process = process;
    this.owners = logs.map(
      (log, shard) =>
        new ShardOwner({
          ...settings,
          shard,
          shardCount: logs.length,
          layout: 1,
          log,
          store,
          realtime,
          lease: leases[shard]!,
          isOurs: (candidates) => spreadShards(candidates, logs.length)[shard] === process.name,
          clock: process,
          openBody,
          newIdentity,
          report,
          fold: {
            walk: walkCheckedMetrics,
            maxSeries: 1000,
            deltaMaxAgeMillis: DELTA_MAX_AGE_MILLIS,
            maxRecentDeltas: 10_000,
            maxStateBytes: 10_000_000,
            prices: { nanosPerUserHour: 0, nanosPerGigabyte: 0 },
          },
        }),
    );
    const shards: IntakeShards = {
      logs,
      appended: ({ shard, to, entry, body, isClean }) => {
        const { body: stored, contentType: _, encoding: __, ...rest } = entry;
        const offered = { entry: { ...rest, id: to.id }, storedBytes: stored.length, body, isClean };
        this.owners[shard]!.offer({ ...to, generation: offeredGeneration(shard, to.generation) }, offered);
      },
    };
    this.#intake = new Intake({
      shards: () => shards,
      openBody,
      walk: walkMetrics,
      maxOpenBytes: 10_000_000,
      deltaMaxAgeMillis: DELTA_MAX_AGE_MILLIS,
      nameTenant: (body) => success(body),
      gate: () => (this.#stopping ? retryable("unavailable", "simulated: shutting down") : success(undefined)),
    });
  }

  /** Starts its owners. */
  start(): void {
    for (const owner of this.owners) void owner.start();
  }

  accept(request: OtlpRequest): Promise<Result<OtlpAcceptance>> {
    return this.#intake.accept(request);
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.owners.map((owner) => owner.stop()));
    this.process.kill();
  }
}
