/** A receiver of a simulation: the door, the fold and the owners of the real one, on modelled servers. */
import { gunzipSync } from "node:zlib";
import { DecodedRoom } from "../../src/aggregate/decoded-room.ts";
import { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import { type LayoutShards, ShardLayouts } from "../../src/app/shard-layouts.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import type { OpenBody } from "../../src/model/metrics-walk.ts";
import type { OtlpAcceptance, OtlpRequest } from "../../src/model/otlp-exchange.ts";
import type { RealtimeStore } from "../../src/model/realtime-store.ts";
import { retryable, success, type Result } from "../../src/model/result.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import type { ShardLease } from "../../src/model/shard-lease.ts";
import type { LayoutStore, ShardLayout } from "../../src/model/shard-layout.ts";
import { spreadShards } from "../../src/model/shard-spread.ts";
import { walkCheckedMetrics, walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { Intake, type IntakeShards } from "../../src/receive/intake.ts";
import type { RequestTarget } from "./sender-network.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** What a receiver reaches of the world. */
export interface ReceiverPorts {
  readonly logs: (layout: ShardLayout) => readonly IngestLog[];
  readonly leases: readonly ShardLease[];
  readonly store: RollupStore;
  /** Absent: the number of shards never changes. */
  readonly layouts?: LayoutStore;
}

interface SimulatedShards extends LayoutShards, IntakeShards {
  readonly owners: readonly ShardOwner[];
}

/** Shards whose number never changes. */
class FixedShards {
  readonly state: Result<void> = success(undefined);
  readonly shards: SimulatedShards;

  constructor(shards: SimulatedShards) {
    this.shards = shards;
  }

  start(): Promise<void> {
    return this.shards.start();
  }

  stop(): Promise<void> {
    return this.shards.stop();
  }
}

/** The settings of a receiver that matter here. */
export interface ReceiverSetup {
  readonly shards: number;
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
  snapshot: async () => success([]),
  steps: async () => success([]),
};

/** One life of a receiver. */
export class SimulatedReceiver implements RequestTarget {
  readonly process: SimulatedProcess;
  readonly #ports: ReceiverPorts;
  readonly #setup: ReceiverSetup;
  readonly #shards: Pick<ShardLayouts<SimulatedShards>, "shards" | "state" | "start" | "stop">;
  readonly #intake: Intake;
  #stopping = false;

  constructor(process: SimulatedProcess, ports: ReceiverPorts, setup: ReceiverSetup) {
    this.process = process;
    this.#ports = ports;
    this.#setup = setup;
    const { layouts: store } = ports;
    const fixed = { epoch: 1, shardCount: setup.shards, previousShardCount: 0, wantedShardCount: setup.shards };
    this.#shards = store
      ? new ShardLayouts({
          clock: process,
          store,
          wantedShards: setup.shards,
          isAlone: false,
          databases: 1,
          open: (layout) => this.#open(layout),
          report: setup.report,
        })
      : new FixedShards(this.#open(fixed));
    this.#intake = new Intake({
      clock: process,
      shards: () => this.#shards.shards,
      openBody,
      walk: walkMetrics,
      maxOpenBytes: 10_000_000,
      deltaMaxAgeMillis: DELTA_MAX_AGE_MILLIS,
      nameTenant: (body) => success(body),
      gate: () => (this.#stopping ? retryable("unavailable", "simulated: shutting down") : this.#shards.state),
    });
  }

  #open(layout: ShardLayout): SimulatedShards {
    const { newIdentity, report, offeredGeneration, maxDecodedBytes, shards: _, ...settings } = this.#setup;
    const { leases, store } = this.#ports;
    const { shardCount, epoch } = layout;
    const logs = this.#ports.logs(layout);
    const decodedRoom = new DecodedRoom(maxDecodedBytes);
    const owners: readonly ShardOwner[] = logs.map(
      (log, shard) =>
        new ShardOwner({
          ...settings,
          decodedRoom,
          shard,
          shardCount,
          layout: epoch,
          log,
          store,
          realtime,
          lease: leases[shard]!,
          isOurs: (candidates) => spreadShards(candidates, shardCount)[shard] === this.process.name,
          maySeal: () => owners.every(({ owns, isReadyToSeal }) => !owns || isReadyToSeal),
          clock: this.process,
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
    return {
      owners,
      logs,
      appended: ({ shard, to, entry, body, isClean }) => {
        const { body: stored, contentType: __, encoding: ___, ...rest } = entry;
        const offered = { entry: { ...rest, id: to.id }, storedBytes: stored.length, body, isClean };
        owners[shard]!.offer({ ...to, generation: offeredGeneration(shard, to.generation) }, offered);
      },
      start: async () => void (await Promise.all(owners.map((owner) => owner.start()))),
      finish: () => {
        for (const owner of owners) owner.finish();
      },
      stop: async () => void (await Promise.all(owners.map((owner) => owner.stop()))),
    };
  }

  /** Starts its owners. */
  start(): void {
    void this.#shards.start();
  }

  accept(request: OtlpRequest): Promise<Result<OtlpAcceptance>> {
    return this.#intake.accept(request);
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#shards.stop();
    this.process.kill();
  }
}
