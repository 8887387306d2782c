/** The ports of one receiver onto the modelled servers: every call goes through the network and into the books. */
import type { IngestLog, LogEntry } from "../../src/model/ingest-log.ts";
import { retryable, success, type Result } from "../../src/model/result.ts";
import type { RollupStore } from "../../src/model/rollup-store.ts";
import type { LayoutStore } from "../../src/model/shard-layout.ts";
import type { ShardLease } from "../../src/model/shard-lease.ts";
import type { Accounting } from "./accounting.ts";
import type { LogServer, LogServers } from "./log-server.ts";
import type { RemoteCalls } from "./remote-calls.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { TotalsModel } from "./totals-model.ts";
import type { TotalsServer } from "./totals-server.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** The servers, as they are now. */
export interface World {
  readonly time: VirtualTime;
  readonly calls: RemoteCalls;
  readonly accounting: Accounting;
  readonly logServers: LogServers;
  totals: TotalsServer;
  /** The log server that a process is connected to. */
  logServerOf(process: SimulatedProcess): LogServer;
}

const BEFORE_WIPE = retryable("unavailable", "simulated: sent before everything was deleted");

/** The log of a shard, as a process sees it. */
export function modelledLog(world: World, process: SimulatedProcess, shard: number, layout: number = 1): IngestLog {
  const call = <T>(operation: string, what: string, execute: (server: LogServer) => Result<T>): Promise<Result<T>> => {
    const server = world.logServerOf(process);
    return world.calls.call(process, server, operation, `${shard}${what}`, () => execute(server));
  };
  const isLost = (server: LogServer): boolean => server !== world.logServers.primary;
  return {
    open: (opening) => {
      // An opening from before all was deleted cannot be told from one of now: docs/decisions/log-generations.md does not promise that.
      const { wipes } = world.logServerOf(process);
      return call("open", ` ${JSON.stringify(opening)}`, (server) =>
        server.wipes === wipes ? server.logs[shard]!.open(server.name, opening) : BEFORE_WIPE,
      );
    },
    supersede: (generation) =>
      call("supersede", ` ${generation}`, (server) => server.logs[shard]!.supersede(server.name, generation)),
    seal: (generation) => call("seal", ` ${generation}`, (server) => server.logs[shard]!.seal(generation)),
    append: (entry) =>
      call("append", "", (server) => {
        const log = server.logs[shard]!;
        const result = log.append(server.name, entry, layout);
        if (result.kind === "success") {
          const { entries, generation, identity } = log.state;
          world.accounting.appended(shard, `${generation}/${identity}`, entries.at(-1)!, isLost(server));
        }
        return result;
      }),
    read: (afterId, limit) => call("read", ` after ${afterId}`, (server) => server.logs[shard]!.read(afterId, limit)),
    trim: (throughId) =>
      call("trim", ` through ${throughId}`, (server) => {
        const log = server.logs[shard]!;
        const before: readonly LogEntry[] = log.state.entries;
        const result = log.trim(throughId);
        const kept = new Set(log.state.entries);
        const gone = before.filter((entry) => !kept.has(entry));
        if (!isLost(server)) world.accounting.trimmed(shard, gone);
        return result;
      }),
    status: () => call("status", "", (server) => server.logs[shard]!.status(server.name, layout)),
    writable: () => call("writable", "", (server) => server.logs[shard]!.writable(server.name, layout)),
  };
}

/** The lease of a shard, as a process sees it. */
export function modelledLease(world: World, process: SimulatedProcess, shard: number): ShardLease {
  const call = <T>(operation: string, execute: (server: LogServer) => Result<T>): Promise<Result<T>> => {
    const server = world.logServerOf(process);
    return world.calls.call(process, server, operation, String(shard), () => execute(server));
  };
  return {
    async stand(ttlMillis) {
      const seen = await call("stand", ({ leases }) =>
        success(leases[shard]!.stand(process.name, process.time.nowMillis, ttlMillis)),
      );
      return seen.kind === "success" ? seen.value : { state: "unknown", candidates: [] };
    },
    async hold(ttlMillis) {
      const held = await call("hold", ({ leases }) =>
        success(leases[shard]!.hold(process.name, process.time.nowMillis, ttlMillis)),
      );
      return held.kind === "success" && held.value;
    },
    async handOver() {
      await call("handOver", ({ leases }) => success(leases[shard]!.handOver(process.name)));
    },
    async release() {
      await call("release", ({ leases }) => success(leases[shard]!.release(process.name)));
    },
  };
}

/** The number of shards, as a process sees it. */
export function modelledLayouts(world: World, process: SimulatedProcess): LayoutStore {
  const call = <T>(operation: string, what: string, execute: (model: TotalsModel) => Result<T>): Promise<Result<T>> => {
    const server = world.totals;
    return world.calls.call(process, server, operation, what, () => execute(server.model));
  };
  return {
    layout: () => call("layout", "", (model) => success(model.layout)),
    want: (from, shardCount) => call("want", ` ${shardCount}`, (model) => model.want(from, shardCount)),
    change: (from) => call("change", ` ${JSON.stringify(from)}`, (model) => model.change(from)),
  };
}

/** The totals, as a process sees them. */
export function modelledTotals(world: World, process: SimulatedProcess): RollupStore {
  const call = <T>(
    operation: string,
    what: string,
    execute: (server: TotalsServer) => Result<T>,
  ): Promise<Result<T>> => {
    const server = world.totals;
    return world.calls.call(process, server, operation, what, () => execute(server));
  };
  return {
    birth: () => call("birth", "", ({ model }) => success(model.birthSeconds)),
    offset: (shard) => call("offset", String(shard), ({ model }) => model.offset(shard)),
    advanceGeneration: (shard, from, to) =>
      call("advanceGeneration", `${shard} ${JSON.stringify(to)}`, ({ model }) =>
        model.advanceGeneration(shard, from, to),
      ),
    finish: (shard, from) =>
      call("finish", `${shard} ${JSON.stringify(from)}`, ({ model }) => model.finish(shard, from)),
    counterState: (keys) => call("counterState", "", ({ model }) => model.counterState(keys)),
    ledger: (slots, since) => call("ledger", String(slots.shard), ({ model }) => model.ledger(slots, since)),
    commit: (commit) =>
      call("commit", `${commit.shard} ${JSON.stringify(commit.offset)}`, ({ model }) => {
        const result = model.commit(commit);
        if (result.kind === "success") world.accounting.committed(commit.shard);
        return result;
      }),
    maintain: async () => success(undefined),
    maintainedAt: async () => success(0),
    ready: async () => success(undefined),
    statementCounts: () => ({ writes: 0, reads: 0 }),
    close: async () => undefined,
  };
}
