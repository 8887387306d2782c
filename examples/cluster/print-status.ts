/** A line for each part of what the cluster does now: who owns which shard, which node is primary, what was acknowledged. */
import type { Load } from "../../tests/faults/load.ts";
import type { ReceiverChild } from "../../tests/faults/receiver-child.ts";
import type { ScaleStores } from "../../tests/scale/scale-stores.ts";
import type { ClusterProcesses } from "./cluster-processes.ts";

/** What is looked at. */
export interface StatusOptions {
  readonly stores: ScaleStores;
  readonly receivers: readonly ReceiverChild[];
  readonly processes: ClusterProcesses;
  readonly load: Load;
  readonly shards: number;
  readonly print: (line: string) => void;
}

/** Of a shard that a receiver owns, in its own metrics. */
const OWNED = /bandwidth_receiver_series\{[^}]*bandwidth_shard="(\d+)"/g;
const ANSWER_MILLIS = 1000;

/** Looks and prints. */
export async function printStatus({ stores, receivers, processes, load, shards, print }: StatusOptions): Promise<void> {
  const owned = await Promise.all(receivers.map((receiver) => ownedShards(receiver)));
  const owner = (shard: number): string =>
    owned.flatMap((has, at) => (has.has(shard) ? [`receiver-${at}`] : [])).join(" and ") || "nobody yet";
  const nameOf = (victim: unknown): string => processes.all.find((one) => one.victim === victim)?.name ?? "?";
  print("");
  for (let shard = 0; shard < shards; shard++) {
    const primary = nameOf(await stores.cluster.primaryOfShard(shard));
    print(`  shard ${shard}: folded by ${owner(shard)}, its log on ${primary}`);
  }
  print(`  SQL: ${nameOf(await stores.sql.primary())} takes writes`);
  const { acknowledgedBatches, failedAttempts } = load.journal;
  print(`  ${acknowledgedBatches} requests acknowledged, ${failedAttempts} attempts to be made again`);
}

async function ownedShards({ bridgePort }: ReceiverChild): Promise<ReadonlySet<number>> {
  const text = await fetch(`http://127.0.0.1:${bridgePort}/metrics`, {
    signal: AbortSignal.timeout(ANSWER_MILLIS),
  }).then(
    (answer) => answer.text(),
    () => "",
  );
  return new Set([...text.matchAll(OWNED)].map(([, shard]) => Number(shard)));
}
