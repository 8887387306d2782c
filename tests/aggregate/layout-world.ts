/**
 * Receivers whose number of shards is changed: real doors, owners and totals on modelled logs and leases. What senders were told is taken
 * in is added up beside.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DecodedRoom } from "../../src/aggregate/decoded-room.ts";
import { ShardOwner } from "../../src/aggregate/shard-owner.ts";
import { type LayoutShards, ShardLayouts } from "../../src/app/shard-layouts.ts";
import type { IngestLog } from "../../src/model/ingest-log.ts";
import { success } from "../../src/model/result.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import type { LayoutStore, ShardLayout } from "../../src/model/shard-layout.ts";
import type { ShardLease } from "../../src/model/shard-lease.ts";
import { spreadShards } from "../../src/model/shard-spread.ts";
import { nameTenant } from "../../src/otlp/name-tenant.ts";
import { createOpenBody } from "../../src/otlp/open-body.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { MemoryRealtimeStore } from "../../src/realtime/memory-realtime-store.ts";
import { Intake } from "../../src/receive/intake.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { openSqliteRollupStore, type SqliteRollupStore } from "../../src/rollup/sqlite-rollup-store.ts";
import { LeaseModel } from "../simulation/lease-model.ts";
import { LogModel } from "../simulation/log-model.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestResource } from "../support/otlp-request.ts";
import { columnSums } from "../support/totals.ts";

const BEGIN = 1_800_000_000;
export const PROCESS = 1000;
export const PERSIST = 3000;
const MOST_SHARDS = 8;
const SERVICES = ["shop", "cart", "pay", "mail", "search", "stock"];

/** What receivers reach, as tests may intervene in it. */
export interface LayoutPorts {
  readonly logs: (layout: ShardLayout) => readonly IngestLog[];
  readonly leases: readonly ShardLease[];
  readonly store: RollupStore;
  readonly layouts: LayoutStore;
}

/** The shards of a receiver of these worlds. */
export interface WorldShards extends LayoutShards {
  readonly owners: readonly ShardOwner[];
  readonly logs: readonly IngestLog[];
}

/** One log server, one database. */
export class LayoutWorld {
  readonly clock: FakeClock = new FakeClock(BEGIN * 1000);
  readonly store: SqliteRollupStore;
  readonly reports: string[] = [];
  readonly logs: readonly LogModel[];
  server = "server 1";
  readonly #leases = Array.from({ length: MOST_SHARDS }, () => new LeaseModel());
  readonly #sent = new Map<string, bigint>();
  #bodies: Uint8Array[] = [];
  #openings = 0;
  #steps = 0;

  constructor(
    file: string,
    makeLog: () => LogModel = () => new LogModel({ maxEntries: 10_000, maxBytes: 10_000_000 }),
  ) {
    this.store = valueOf(openSqliteRollupStore({ file }));
    this.logs = Array.from({ length: MOST_SHARDS }, makeLog);
  }

  /** Those of a receiver, before any fault. */
  ports(name: string): LayoutPorts {
    return {
      logs: ({ epoch, shardCount }) => this.logs.slice(0, shardCount).map((log) => this.#view(log, epoch)),
      leases: this.#leases.map((lease) => ({
        stand: async (ttlMillis) => lease.stand(name, this.clock.nowMillis(), ttlMillis),
        hold: async (ttlMillis) => lease.hold(name, this.clock.nowMillis(), ttlMillis),
        handOver: async () => lease.handOver(name),
        release: async () => lease.release(name),
      })),
      store: this.store,
      layouts: this.store.layouts,
    };
  }

  #view(log: LogModel, layout: number): IngestLog {
    return {
      open: async (opening) => log.open(this.server, opening),
      supersede: async (generation) => log.supersede(this.server, generation),
      seal: async (generation) => log.seal(generation),
      append: async (entry) => log.append(this.server, entry, layout),
      read: async (afterId, limit) => log.read(afterId, limit),
      trim: async (throughId) => log.trim(throughId),
      status: async () => log.status(this.server, layout),
      writable: async () => log.writable(this.server, layout),
    };
  }

  /** A receiver with this `SHARDS`; not started. */
  receiver(
    name: string,
    wantedShards: number,
    ports: LayoutPorts = this.ports(name),
    databases: number = 1,
    opening: (layout: ShardLayout) => void = () => undefined,
  ): ShardLayouts<WorldShards> {
    return new ShardLayouts({
      clock: this.clock,
      store: ports.layouts,
      wantedShards,
      isAlone: false,
      databases,
      report: (message) => void this.reports.push(`${name}: ${message}`),
      open: (layout) => {
        opening(layout);
        return this.#open(name, layout, ports);
      },
    });
  }

  #open(name: string, layout: ShardLayout, ports: LayoutPorts): WorldShards {
    const logs = ports.logs(layout);
    const owners: readonly ShardOwner[] = logs.map(
      (log, shard) =>
        new ShardOwner({
          shard,
          shardCount: layout.shardCount,
          layout: layout.epoch,
          log,
          store: ports.store,
          realtime: new MemoryRealtimeStore(),
          lease: ports.leases[shard]!,
          isOurs: (candidates) => spreadShards(candidates, layout.shardCount)[shard] === name,
          maySeal: () => owners.every(({ owns, isReadyToSeal }) => !owns || isReadyToSeal),
          clock: this.clock,
          openBody: createOpenBody(),
          newIdentity: () => `opening ${++this.#openings}`,
          fold: {
            walk: walkMetrics,
            maxSeries: 1000,
            deltaMaxAgeMillis: 3_600_000,
            maxRecentDeltas: 10_000,
            maxStateBytes: 10_000_000,
            prices: { nanosPerUserHour: 0, nanosPerGigabyte: 0 },
          },
          batchEntries: 3,
          processIntervalMillis: PROCESS,
          persistIntervalMillis: PERSIST,
          maxEntries: 1000,
          maxBytes: 1_000_000_000,
          decodedRoom: new DecodedRoom(1_000_000),
          report: (message) => void this.reports.push(`${name}: ${message}`),
        }),
    );
    return {
      owners,
      logs,
      start: async () => void (await Promise.all(owners.map((owner) => owner.start()))),
      finish: () => {
        for (const owner of owners) owner.finish();
      },
      stop: async () => void (await Promise.all(owners.map((owner) => owner.stop()))),
    };
  }

  /** A door that divides by a layout, whether SQL has it still or not. */
  door(layout: ShardLayout): Intake {
    const logs = this.ports("door").logs(layout);
    return new Intake({
      clock: this.clock,
      shards: () => ({ logs, appended: () => undefined }),
      openBody: createOpenBody(),
      walk: walkMetrics,
      nameTenant,
      maxOpenBytes: 10_000_000,
      deltaMaxAgeMillis: 3_600_000,
      gate: () => success(undefined),
    });
  }

  /**
   * Every service sends its counter and a delta in one request, by one door after the other until one takes all of it. Every third
   * request is sent once more after it was taken.
   */
  async send(doors: readonly Intake[]): Promise<void> {
    const step = ++this.#steps;
    const time = BigInt(this.clock.nowMillis()) * 1_000_000n + 1000n * BigInt(step);
    const start = BigInt(BEGIN) * 1_000_000_000n + 1n;
    const sent = BigInt(step);
    const resources = SERVICES.map((service, index): TestResource => {
      const total = (this.#sent.get(service) ?? 0n) + BigInt(100 + index);
      this.#sent.set(service, total);
      const point = (direction: string, value: bigint, from: bigint) => ({
        attributes: { "network.io.direction": direction },
        start: from,
        time,
        value,
      });
      const metric = { name: "bandwidth.http.server.io", unit: "By" };
      return {
        attributes: { "service.name": service },
        metrics: [
          { ...metric, sum: [point("receive", total, start)] },
          { ...metric, temporality: "delta", sum: [point("transmit", sent, time - 1000n)] },
        ],
      };
    });
    this.#bodies.push(otlpRequest(resources));
    while (this.#bodies.length > 0 && (await this.#deliver(this.#bodies[0]!, doors))) {
      const body = this.#bodies.shift()!;
      if (step % 3 === 0) await this.#deliver(body, doors);
    }
  }

  /** What must be in the totals once everything was taken in. */
  get sent(): Record<string, bigint> {
    const received = [...this.#sent.values()].reduce((sum, total) => sum + total, 0n);
    const steps = BigInt(this.#steps);
    return { wire_bytes_in: received, wire_bytes_out: (BigInt(SERVICES.length) * steps * (steps + 1n)) / 2n };
  }

  /** Requests that no door has taken yet. */
  get waiting(): number {
    return this.#bodies.length;
  }

  async #deliver(body: Uint8Array, doors: readonly Intake[]): Promise<boolean> {
    for (const door of doors) {
      const receivedAtMillis = this.clock.nowMillis();
      const request = { contentType: "protobuf", encoding: "identity", body, receivedAtMillis } as const;
      if ((await door.accept(request)).kind === "success") return true;
    }
    return false;
  }

  async totals(): Promise<Record<string, bigint>> {
    return await columnSums(this.store, "minute");
  }
}

/** Makes worlds quickly: the schema is made once and copied. */
export class LayoutWorlds {
  readonly #folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-layouts-"));
  readonly #template = join(this.#folder, "template.db");
  #count = 0;

  async prepare(): Promise<void> {
    valueOf(await migrateUp(sqliteMigrationDatabase({ file: this.#template }), BEGIN));
  }

  make(makeLog?: () => LogModel): LayoutWorld {
    const file = join(this.#folder, `${++this.#count}.db`);
    copyFileSync(this.#template, file);
    return new LayoutWorld(file, makeLog);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
