/** Random commands to a store of totals, from a seed, and what it answers: the model must answer as real stores do. */
import { createHash } from "node:crypto";
import { success, type Result } from "../../src/model/result.ts";
import { ROLLUP_COLUMNS, rollupPosition } from "../../src/model/rollup-columns.ts";
import {
  GRANULARITIES,
  LEDGER_PAGE_SECONDS,
  type CounterStateRow,
  type RollupIncrement,
  type RollupReader,
  type RollupStore,
  type ShardCommit,
  type ShardOffset,
} from "../../src/model/rollup-store.ts";
import { increment, receiverCounts, routeDimensions, shardCommit, TEST_DAY } from "../support/shard-commits.ts";
import { seriesId } from "../../src/model/dimensions.ts";
import { SeededRandom } from "./seeded-random.ts";
import { TotalsModel } from "./totals-model.ts";

/** What traces ask of a store. */
export type TracedTotals = Pick<
  RollupStore,
  "offset" | "advanceGeneration" | "finish" | "counterState" | "ledger" | "commit"
> & {
  rows(): Promise<readonly unknown[]>;
};

const NOWHERE: ShardOffset = {
  generation: 1,
  lastId: "0-0",
  logIdentity: "",
  persistedAt: 0,
  commits: 0,
  layout: 1,
  isFinished: false,
};

const STATE_KEYS = ["a", "b", "c"].map((digit) => digit.repeat(32));
const COLUMNS = ["wire_bytes_in", "latency_count", "frames", "connected_seconds", "latency_sum_seconds"];

/** The model as a store under trace. */
export function tracedModel(): TracedTotals {
  const model = new TotalsModel(TEST_DAY);
  return {
    offset: async (shard) => model.offset(shard),
    advanceGeneration: async (shard, from, to) => model.advanceGeneration(shard, from, to),
    finish: async (shard, from) => model.finish(shard, from),
    counterState: async (keys) => model.counterState(keys),
    ledger: async (slots, since) => model.ledger(slots, since),
    commit: async (commit) => model.commit(commit),
    rows: async () =>
      GRANULARITIES.map(({ name }) =>
        [...model.rows[name].values()]
          .sort((a, b) => a.bucketStart - b.bucketStart || (a.seriesId < b.seriesId ? -1 : 1))
          .map(({ seriesId: id, bucketStart, values, latency }) => [
            id,
            bucketStart,
            model.series.get(id)!,
            ROLLUP_COLUMNS.map((column) => values.get(column.name) ?? (column.kind === "seconds" ? 0 : 0n)),
            [...latency].sort(([a], [b]) => a - b),
          ]),
      ),
  };
}

/** A real store under trace. */
export function tracedStore(store: RollupStore & RollupReader): TracedTotals {
  return {
    offset: (shard) => store.offset(shard),
    advanceGeneration: (shard, from, to) => store.advanceGeneration(shard, from, to),
    finish: (shard, from) => store.finish(shard, from),
    counterState: (keys) => store.counterState(keys),
    ledger: (slots, since) => store.ledger(slots, since),
    commit: (commit) => store.commit(commit),
    rows: async () => {
      const tables: unknown[] = [];
      for (const { name } of GRANULARITIES) {
        const rows = await store.rows(name, 0, Number.MAX_SAFE_INTEGER);
        if (rows.kind !== "success") throw new Error(rows.reason);
        tables.push(
          rows.value.map(({ seriesId: id, bucketStart, dimensions, values, latency }) => [
            id,
            bucketStart,
            dimensions,
            ROLLUP_COLUMNS.map((column) => values[column.name]),
            [...latency].sort(([a], [b]) => a - b),
          ]),
        );
      }
      return tables;
    },
  };
}

/** Gives commands to a store; the answers in order, in a form that compares by value. */
export async function totalsTrace(target: TracedTotals, seed: number): Promise<readonly unknown[]> {
  const random = new SeededRandom(seed);
  const answers: unknown[] = [];
  // What commits are made from: where the trace last saw the shards, right or not.
  const seen = new Map<number, ShardOffset>();
  for (let step = 0; step < 40; step++) {
    const shard = random.whole(0, 1);
    const from = seen.get(shard) ?? NOWHERE;
    const command = random.whole(1, 100);
    if (command <= 50) {
      const commit = randomCommit(random, shard, from);
      const result = await target.commit(commit);
      answers.push(["commit", commit.offset, answer(result)]);
      if (result.kind === "success" && random.chance(0.8))
        seen.set(shard, { ...from, lastId: commit.offset.toId, commits: from.commits + 1 });
    } else if (command <= 65) {
      const offset = await target.offset(shard);
      answers.push(["offset", answer(offset)]);
      if (offset.kind === "success" && random.chance(0.8)) seen.set(shard, offset.value);
    } else if (command <= 67) {
      answers.push(["finish", answer(await target.finish(shard, from))]);
    } else if (command <= 75) {
      const to = { generation: from.generation + random.whole(0, 2), logIdentity: `opening ${step}` };
      answers.push(["advanceGeneration", to, answer(await target.advanceGeneration(shard, from, to))]);
    } else if (command <= 85) {
      const rows = await target.counterState(STATE_KEYS.filter(() => random.chance(0.7)));
      answers.push(["counterState", answer(rows.kind === "success" ? success(byKey(rows.value)) : rows)]);
    } else if (command <= 95) {
      // As an owner does before it asks.
      await target.offset(shard);
      const receivedAt = TEST_DAY + random.whole(0, 5) - (random.chance(0.3) ? LEDGER_PAGE_SECONDS : 0);
      const page = await target.ledger({ shard, shardCount: 2 }, receivedAt);
      const plain =
        page.kind === "success" ? page.value.rows.map((row) => ({ ...row, entries: hex(row.entries) })) : page;
      answers.push(["ledger", plain, page.kind === "success" ? page.value.nextReceivedAt : undefined]);
    } else {
      answers.push(["rows", await target.rows()]);
    }
  }
  answers.push(["rows", await target.rows()]);
  return answers;
}

function randomCommit(random: SeededRandom, shard: number, from: ShardOffset): ShardCommit {
  const at = Number(from.lastId.split("-", 1)[0]);
  const moves = random.chance(0.9);
  const offset = {
    generation: random.chance(0.9) ? from.generation : random.whole(1, 4),
    fromId: random.chance(0.9) ? from.lastId : `${random.whole(0, 9)}-0`,
    toId: `${at + (moves ? random.whole(1, 4) : 0)}-0`,
    commits: random.pick([from.commits, from.commits, undefined, random.whole(0, 9)]),
  };
  const routes = ["/a", "/b", `/${shard}`].filter(() => random.chance(0.6));
  const known = random.chance(0.9) ? routes : [];
  const increments = (): RollupIncrement[] => routes.map((route) => randomIncrement(random, route));
  const content: Partial<ShardCommit> = {
    series: known.map((route) => ({ seriesId: seriesId(routeDimensions(route)), dimensions: routeDimensions(route) })),
    rollups: { minute: increments(), hourly: increments(), daily: increments() },
    receiver: [{ bucketStart: TEST_DAY, counts: receiverCounts({ entries: 1, points: random.whole(0, 9) }) }],
    counterState: STATE_KEYS.filter(() => random.chance(0.4)).map((stateKey) => ({
      stateKey,
      slot: random.whole(0, 1023),
      state: bytes(random),
      touchedAt: TEST_DAY + random.whole(0, 9),
    })),
    ledger: Array.from({ length: random.whole(0, 3) }, () => ({
      slot: random.whole(0, 1023),
      entries: bytes(random),
      receivedAt: TEST_DAY + random.whole(0, 6),
    })),
    ledgerExpiredBefore: TEST_DAY + random.pick([0, 0, 0, 3]),
  };
  // A commit that moves no offset may add nothing; now and then one tries.
  const isEmpty = !moves && random.chance(0.7);
  return shardCommit(offset.fromId, offset.toId, {
    ...(isEmpty ? {} : content),
    shard,
    shardCount: 2,
    offset,
    persistedAt: TEST_DAY + random.whole(0, 99),
  });
}

function randomIncrement(random: SeededRandom, route: string): RollupIncrement {
  const named: Record<string, number> = {};
  for (const column of COLUMNS) {
    const isSeconds = column === "latency_sum_seconds";
    const most = isSeconds ? 1000 : random.pick([9, 2 ** 20, Number.MAX_SAFE_INTEGER]);
    // Quarters add up exactly in whatever order they are added.
    if (random.chance(0.5)) named[column] = isSeconds ? random.whole(0, most) / 4 : random.whole(0, most);
  }
  if (random.chance(0.02)) named["frames"] = Number.NaN;
  const latency = new Map(random.chance(0.5) ? [[random.whole(-20, 20), random.whole(1, 99)]] : []);
  const made = increment(route, named, latency, TEST_DAY + 60 * random.whole(0, 1));
  const carry: [number, number][] = random.chance(0.2)
    ? [[rollupPosition("wire_bytes_in"), Number.MAX_SAFE_INTEGER]]
    : [];
  return { ...made, carry };
}

function bytes(random: SeededRandom): Uint8Array {
  return createHash("sha256").update(random.digits()).digest().subarray(0, random.whole(1, 32));
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}

function byKey(rows: readonly CounterStateRow[]): readonly unknown[] {
  return rows.toSorted((a, b) => (a.stateKey < b.stateKey ? -1 : 1)).map((row) => ({ ...row, state: hex(row.state) }));
}

function answer(result: Result<unknown>): unknown {
  return result.kind === "success" ? result : { kind: result.kind, code: result.code };
}
