/** A private Redis Cluster for tests that kill, hold still, fail over or reshard it: three primaries with a replica each. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { askRedis } from "./redis-ask.ts";
import {
  startRedisServer,
  testedProgram,
  type RedisProgram,
  type RedisServer,
  type RedisSettings,
} from "./redis-server.ts";

/** A node is a server as any other; it keeps its place in the cluster when it is started again. */
export interface RedisClusterNode extends RedisServer {
  /** Its name in the cluster. */
  readonly id: string;
  /** Where nodes speak to each other. */
  readonly busPort: number;
}

/** Six nodes. What is asked of the cluster is asked of those that answer: some may be down or held still. */
export interface RedisCluster {
  readonly nodes: readonly RedisClusterNode[];
  /** `redis+cluster://` with every node, and a user of its own; without one everybody may do everything. */
  readonly url: string;
  /** The primary that serves a key. Waits until there is one, as long as {@link RedisCluster.ok} does. */
  primaryOf(key: string): Promise<RedisClusterNode>;
  /** The primary that serves a shard of the log. */
  primaryOfShard(shard: number): Promise<RedisClusterNode>;
  /** Those of its replicas that answer, in any state. */
  replicasOf(primary: RedisClusterNode): Promise<readonly RedisClusterNode[]>;
  /**
   * Resolves when at least so many nodes answer (default 3), each finds the cluster in order, each slot is served once, and every replica
   * among them is in step with its primary. Rejects with what each says when that takes a minute.
   */
  ok(nodes?: number): Promise<void>;
  /** Moves so many slots, the lowest first, with their keys from one primary to another, as an operator does. */
  reshard(from: RedisClusterNode, to: RedisClusterNode, slots: number): Promise<void>;
  /** Ends every node and deletes its data. */
  remove(): Promise<void>;
}

/** How a cluster is started. */
export interface RedisClusterOptions {
  /** Settings of every node: these replace or add to those of the starter. */
  readonly settings?: RedisSettings;
  /** Default: that of {@link startRedisServer}. */
  readonly program?: RedisProgram;
  /** Replicas of each primary. Default 1. */
  readonly replicas?: number;
}

const run = promisify(execFile);
const PRIMARIES = 3;
const START_ATTEMPTS = 3;
const SLOTS = 16_384;
const OK_TIMEOUT_MILLIS = 60_000;
const POLL_MILLIS = 50;

/** A node that is dead is replaced after about this time and as much again. */
const NODE_SETTINGS: RedisSettings = {
  "cluster-enabled": "yes",
  "cluster-node-timeout": "2000",
  "repl-diskless-sync-delay": "0",
  "repl-ping-replica-period": "1",
  user: "receiver on >p@ss/word ~* &* +@all",
};

/** Starts the nodes and joins them; resolves when the cluster is in order. Rejects when a node does not start. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { settings = {}, program = testedProgram(), replicas = 1 } = options;
  const started = await Promise.allSettled(
    Array.from({ length: PRIMARIES * (1 + replicas) }, () => startNode(settings, program)),
  );
  const nodes = started.flatMap((node) => (node.status === "fulfilled" ? [node.value] : []));
  const cluster = new Cluster(nodes, program);
  try {
    for (const node of started) if (node.status === "rejected") throw node.reason;
    await cluster.join();
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  return cluster;
}

async function startNode(settings: RedisSettings, program: RedisProgram): Promise<RedisClusterNode> {
  for (let attempt = 1; ; attempt += 1) {
    const busPort = await freePort();
    try {
      const all = { ...NODE_SETTINGS, "cluster-port": String(busPort), ...settings };
      const server = await startRedisServer(all, program);
      const id = await askRedis(server.port, "CLUSTER MYID");
      return Object.assign(server, { id: id ?? "", busPort });
    } catch (error) {
      // Another process may have taken the port in between.
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** What a node says of itself. */
interface Membership {
  readonly node: RedisClusterNode;
  /** Of a replica; "-" of a primary. */
  readonly primaryId: string;
  /** The node with the higher one is believed. */
  readonly epoch: number;
  /** Slots that it serves: none, of a replica. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

class Cluster implements RedisCluster {
  readonly nodes: readonly RedisClusterNode[];
  readonly #program: RedisProgram;

  constructor(nodes: readonly RedisClusterNode[], program: RedisProgram) {
    this.nodes = nodes;
    this.#program = program;
  }

  get url(): string {
    return `redis+cluster://receiver:p%40ss%2Fword@${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  async join(): Promise<void> {
    const [first, ...others] = this.nodes;
    const primaries = this.nodes.slice(0, PRIMARIES);
    for (const [at, { port }] of primaries.entries()) {
      const range = `${Math.floor((at * SLOTS) / PRIMARIES)} ${Math.floor(((at + 1) * SLOTS) / PRIMARIES) - 1}`;
      await tell(port, `CLUSTER ADDSLOTSRANGE ${range}`);
      await tell(port, `CLUSTER SET-CONFIG-EPOCH ${at + 1}`);
    }
    for (const { port, busPort } of others) await tell(first!.port, `CLUSTER MEET 127.0.0.1 ${port} ${busPort}`);
    for (const [at, { port }] of this.nodes.slice(PRIMARIES).entries()) {
      const primary = primaries[at % PRIMARIES]!;
      await eventually(
        () => askRedis(port, `CLUSTER REPLICATE ${primary.id}`),
        (reply) => reply === "+OK",
      );
    }
    await this.ok(this.nodes.length);
  }

  async primaryOf(key: string): Promise<RedisClusterNode> {
    const slot = await eventually(
      async () => (await this.#answers(`CLUSTER KEYSLOT ${key}`)).map((reply) => Number(reply.slice(1)))[0],
      (found) => found !== undefined,
    );
    const serving = await eventually(
      async () =>
        (await this.#members())
          .filter(({ ranges }) => ranges.some(([first, last]) => first <= slot! && slot! <= last))
          .sort((left, right) => right.epoch - left.epoch)[0],
      (found) => found !== undefined,
    );
    return serving!.node;
  }

  async primaryOfShard(shard: number): Promise<RedisClusterNode> {
    return await this.primaryOf(`{${shard}}`);
  }

  async replicasOf(primary: RedisClusterNode): Promise<readonly RedisClusterNode[]> {
    const members = await this.#members();
    return members.filter(({ primaryId }) => primaryId === primary.id).map(({ node }) => node);
  }

  async ok(nodes: number = PRIMARIES): Promise<void> {
    await eventually(
      async () => await Promise.all([this.#members(), ...this.nodes.map(({ port }) => stateOf(port))]),
      ([members, ...states]) => {
        const answering = states.filter((text) => text !== "down");
        return answering.length >= nodes && answering.every((text) => text === "ok") && servedSlots(members) === SLOTS;
      },
      ([members, ...states]) => `${states.join("; ")}; ${servedSlots(members)} slots are served`,
    );
  }

  async reshard(from: RedisClusterNode, to: RedisClusterNode, slots: number): Promise<void> {
    const [command, ...first] = this.#program.cli;
    const place = ["--cluster", "reshard", `127.0.0.1:${from.port}`];
    const ends = ["--cluster-from", from.id, "--cluster-to", to.id];
    await run(command!, [...first, ...place, ...ends, "--cluster-slots", String(slots), "--cluster-yes"]);
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }

  async #answers(command: string): Promise<readonly string[]> {
    const answers = await Promise.all(this.nodes.map(({ port }) => askRedis(port, command)));
    return answers.filter((answer) => answer !== undefined);
  }

  async #members(): Promise<readonly Membership[]> {
    const texts = await Promise.all(this.nodes.map(({ port }) => askRedis(port, "CLUSTER NODES")));
    return this.nodes.flatMap((node, at) => membershipIn(texts[at] ?? "", node) ?? []);
  }
}

/** "ok", "down" when it does not answer, else what is wrong. */
async function stateOf(port: number): Promise<string> {
  const [cluster, replication] = [await askRedis(port, "CLUSTER INFO"), await askRedis(port, "INFO replication")];
  if (cluster === undefined || replication === undefined) return "down";
  if (!cluster.includes("cluster_state:ok")) return `${port} finds the cluster not ok`;
  if (!cluster.includes(`cluster_slots_ok:${SLOTS}`)) return `${port} misses slots`;
  // A primary sends nothing to a replica that has not told it yet that it is there.
  if (/^slave\d+:.*state=(?!online)/m.test(replication)) return `${port} has a replica that is behind`;
  if (replication.includes("role:slave") && !replication.includes("master_link_status:up")) return `${port} is behind`;
  return "ok";
}

/** How many slots primaries say that they serve: too many while one does not know yet that it was replaced. */
function servedSlots(members: readonly Membership[]): number {
  return members.flatMap(({ ranges }) => ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** https://redis.io/docs/latest/commands/cluster-nodes/ */
function membershipIn(text: string, node: RedisClusterNode): Membership | undefined {
  const words = text
    .split("\n")
    .find((line) => line.includes("myself"))
    ?.split(" ");
  if (words === undefined) return undefined;
  const [, , flags = "", primaryId = "", , , epoch, , ...slots] = words;
  // A slot on its way to or from another node stands in brackets besides.
  const ranges = slots
    .filter((slot) => !slot.startsWith("["))
    .map((slot) => slot.split("-").map(Number))
    .map(([first = 0, last = first]) => [first, last] as const);
  return { node, primaryId, epoch: Number(epoch), ranges: flags.includes("master") ? ranges : [] };
}

async function tell(port: number, command: string): Promise<void> {
  const reply = await askRedis(port, command);
  if (reply !== "+OK") throw new Error(`${command} was answered ${reply ?? "by nothing"}`);
}

/** Asks until the answer is as wanted. */
async function eventually<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  tellOf: (answer: T) => string = String,
): Promise<T> {
  const deadline = performance.now() + OK_TIMEOUT_MILLIS;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`the Redis Cluster did not come to order: ${tellOf(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
}
