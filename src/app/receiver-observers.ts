/**
 * Wiring: where each of the receiver's own metrics is read. What is read here is counted anyway; nothing is counted twice.
 */
import type { ShardHealth } from "../aggregate/shard-health.ts";
import type { ShardOwner } from "../aggregate/shard-owner.ts";
import type { Bridge } from "../bridge/bridge.ts";
import type { LiveServer } from "../bridge/live-server.ts";
import type { RequestOutcome } from "../model/outcome-counts.ts";
import type { ReceiverCounts, RollupStore } from "../model/rollup-store.ts";
import type { Intake, IntakeCounts } from "../receive/intake.ts";
import type { OtlpGrpcServer } from "../receive/otlp-grpc-server.ts";
import type { OtlpHttpServer } from "../receive/otlp-http-server.ts";
import type { ShardLayouts } from "./shard-layouts.ts";
import type { ShardSet } from "./shard-set.ts";
import type { Tenants } from "./tenants.ts";
import type { Observation, Observers } from "../telemetry/receiver-telemetry.ts";

/** What is read. */
export interface ObservedParts {
  readonly otlp: OtlpHttpServer;
  readonly otlpGrpc: OtlpGrpcServer | undefined;
  readonly live: LiveServer;
  readonly bridge: Bridge;
  readonly intakes: readonly Intake[];
  readonly layouts: Pick<ShardLayouts<ShardSet>, "shards" | "committed">;
  readonly store: Pick<RollupStore, "statementCounts">;
  readonly tenants: Tenants;
}

/** Reads the parts of a receiver. */
export function receiverObservers(parts: ObservedParts): Observers {
  const { layouts, intakes, store, tenants } = parts;
  const owners = (): readonly ShardOwner[] => layouts.shards.owners;
  const shards = oneReadingAtATime(async () => {
    const health = await Promise.all(owners().map((owner) => owner.health()));
    return health.filter((shard) => shard !== undefined);
  });
  const perShard = (valueOf: (shard: ShardHealth) => number | undefined) => async (): Promise<Observation[]> =>
    (await shards()).flatMap((shard) => {
      const value = valueOf(shard);
      return value === undefined ? [] : [{ value, attributes: { "bandwidth.shard": shard.shard } }];
    });
  const committed = (name: keyof ReceiverCounts): number => layouts.committed[name];
  const received = (name: keyof IntakeCounts): number => sum(intakes.map(({ counts }) => counts[name]));
  return {
    "bandwidth.receiver.requests": () => requests(parts),
    "bandwidth.receiver.points": () =>
      split("bandwidth.outcome", {
        accepted: received("acceptedPoints"),
        ignored: received("ignoredPoints"),
        refused_time: received("rejectedForTime"),
        refused_value: received("rejectedForValue"),
        refused_tenant: received("rejectedForTenant"),
        refused_metric:
          received("rejectedPoints") -
          received("rejectedForTime") -
          received("rejectedForValue") -
          received("rejectedForTenant"),
      }),
    "bandwidth.receiver.tenant.refused": () =>
      tenants.gate.refused().map(({ tenant, limit, points }) => ({
        value: points,
        attributes: { "bandwidth.tenant": tenant, "bandwidth.limit": limit },
      })),
    "bandwidth.receiver.fold.entries": () => [{ value: committed("entries") }],
    "bandwidth.receiver.fold.points": () =>
      split("bandwidth.outcome", {
        counted: committed("points") - committed("pointsOverflow"),
        overflow: committed("pointsOverflow"),
        duplicate: committed("pointsDuplicate"),
        baseline: committed("pointsBaseline"),
        faulty: committed("pointsFaulty"),
      }),
    "bandwidth.receiver.quarantined": () => [{ value: committed("quarantined") }],
    "bandwidth.receiver.sql.statements": () => {
      const { writes, reads } = store.statementCounts();
      return split("bandwidth.statement.kind", { write: writes, read: reads });
    },
    "bandwidth.receiver.shards": () => [{ value: owners().filter(({ owns }) => owns).length }],
    "bandwidth.receiver.series": perShard(({ series }) => series),
    "bandwidth.receiver.log.entries": perShard(({ log }) => log?.entries),
    "bandwidth.receiver.log.bytes": perShard(({ log }) => log?.bytes),
    "bandwidth.receiver.log.lag": perShard(({ log }) => log?.lagSeconds),
    "bandwidth.receiver.persist.age": perShard(({ persistAgeSeconds }) => persistAgeSeconds),
    "bandwidth.receiver.body.in_flight": () =>
      split("bandwidth.buffer", {
        http: parts.otlp.heldBytes,
        ...(parts.otlpGrpc && { grpc: parts.otlpGrpc.heldBytes }),
        open: sum(intakes.map(({ openBytes }) => openBytes)),
      }),
    "bandwidth.receiver.sockets": async () =>
      split("bandwidth.server", {
        http: await parts.otlp.connections(),
        ...(parts.otlpGrpc && { grpc: await parts.otlpGrpc.connections() }),
        bridge: await parts.live.connections(),
      }),
  };
}

function requests({ otlp, otlpGrpc, bridge }: ObservedParts): Observation[] {
  const { outcomes, brokenRequests } = otlp.counts();
  return [
    ...byOutcome("http", outcomes),
    { value: brokenRequests, attributes: { "bandwidth.transport": "http", "bandwidth.outcome": "broken" } },
    ...(otlpGrpc ? byOutcome("grpc", otlpGrpc.outcomes) : []),
    ...byOutcome("socket", bridge.outcomes),
  ];
}

/** The accepted ones are told from the start: a rate needs a first value. */
function byOutcome(transport: string, outcomes: ReadonlyMap<RequestOutcome, number>): Observation[] {
  return [...new Map<RequestOutcome, number>([["accepted", 0], ...outcomes])].map(([outcome, value]) => ({
    value,
    attributes: { "bandwidth.transport": transport, "bandwidth.outcome": outcome },
  }));
}

function split(attribute: string, values: Readonly<Record<string, number>>): Observation[] {
  return Object.entries(values).map(([name, value]) => ({ value, attributes: { [attribute]: name } }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Several metrics are read of one look at what is behind them, when they are read at the same time. */
function oneReadingAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => (reading ??= read().finally(() => (reading = undefined)));
}
