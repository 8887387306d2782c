/**
 * Log: a Redis Cluster as this project uses it: connections to the primaries that serve its shards. The driver's own cluster client
 * sends commands again whose reply was lost, and cannot wait for the replicas of one node
 * (docs/decisions/redis-cluster.md).
 */
import type { Redis } from "ioredis";
import { systemClock, type Clock, type Timer } from "../model/clock.ts";
import { askForSlots, movedTo, type ClusterView } from "./cluster-slots.ts";
import { placeOf, type RedisAddress, type RedisNode } from "./redis-address.ts";
import {
  connectTo,
  DEFAULT_COMMAND_TIMEOUT_MILLIS,
  reached,
  type RedisConnectionBehaviour,
} from "./redis-connection.ts";
import {
  unsentBytesOf,
  type OwnRedisRoute,
  type RedisPrimary,
  type RedisRoute,
  type RedisServers,
} from "./redis-route.ts";
import { slotOfShard } from "./redis-slot.ts";

/** Faults that say nothing of where a shard is now. Any other has the nodes asked. */
const OF_THE_COMMAND = /^(OOM|NOSCRIPT|NOPERM|MISCONF|NOREPLICAS|BUSY|TRYAGAIN|ERR|WRONGTYPE)\b/;
/** Nodes are not asked again before this time has passed, milliseconds. */
const MIN_LOOK_INTERVAL_MILLIS = 250;

/** Connections to the primaries of a cluster. Whatever a node refuses is its caller's to try again: nothing is sent twice. */
export class RedisCluster implements RedisServers {
  readonly isCluster: boolean = true;
  readonly #address: RedisAddress;
  readonly #behaviour: RedisConnectionBehaviour;
  readonly #clock: Clock;
  /** By slot number; empty before a node has answered. */
  #primaries: readonly (RedisNode | undefined)[] = [];
  /** Slots of the shards that were asked for. */
  readonly #slots: Set<number> = new Set();
  /** Connections that shards share, by place. */
  readonly #connections: Map<string, Redis> = new Map();
  readonly #ownConnections: Set<OwnConnection> = new Set();
  #look: Promise<void> | undefined;
  #nextLook: Timer | undefined;
  #lookedAtMillis: number = Number.NEGATIVE_INFINITY;
  /** Whom to ask first. */
  #hint: RedisNode | undefined;
  #isClosed = false;

  /** Begins to ask the nodes and waits for nothing. */
  constructor(address: RedisAddress, behaviour: RedisConnectionBehaviour, clock: Clock = systemClock) {
    this.#address = address;
    this.#behaviour = behaviour;
    this.#clock = clock;
    this.#lookNow().catch(() => undefined);
  }

  routeTo(shard: number): RedisRoute {
    const slot = slotOfShard(shard);
    this.#slots.add(slot);
    this.#connectAll();
    return this.#route(slot, (place) => this.#connections.get(place));
  }

  ownRouteTo(shard: number): OwnRedisRoute {
    const slot = slotOfShard(shard);
    const own: OwnConnection = { slot, place: undefined, redis: undefined };
    this.#ownConnections.add(own);
    this.#connectAll();
    const close = (): void => {
      this.#ownConnections.delete(own);
      own.redis?.disconnect();
    };
    return { ...this.#route(slot, (place) => (own.place === place ? own.redis : undefined)), close };
  }

  async primaries(shards: readonly number[]): Promise<readonly RedisPrimary[]> {
    for (const shard of shards) this.#slots.add(slotOfShard(shard));
    if (this.#primaries.length === 0) await this.#lookNow();
    this.#connectAll();
    const nodes = shards.map((shard) => this.#primaries[slotOfShard(shard)] ?? undefined);
    const places = [...new Set(nodes.map((node, at) => placeOf(node ?? noNode(slotOfShard(shards[at]!)))))];
    return await Promise.all(
      places.map(async (place) => {
        const redis = this.#connections.get(place)!;
        await reached(redis);
        return { place, redis };
      }),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#nextLook?.clear();
    for (const redis of this.#connections.values()) redis.disconnect();
    this.#connections.clear();
  }

  #route(slot: number, connectionAt: (place: string) => Redis | undefined): RedisRoute {
    const connection = (): Redis | undefined => {
      const node = this.#primaries[slot];
      return node && connectionAt(placeOf(node));
    };
    return {
      commandTimeoutMillis: this.#behaviour.commandTimeoutMillis ?? DEFAULT_COMMAND_TIMEOUT_MILLIS,
      unsentBytes: () => {
        const redis = connection();
        return redis === undefined ? 0 : unsentBytesOf(redis);
      },
      run: async (work) => {
        try {
          return await work(connection() ?? noNode(slot));
        } catch (error) {
          this.#failed(error);
          throw error;
        }
      },
    };
  }

  /** A fault may mean that the shard is elsewhere now. */
  #failed(error: unknown): void {
    if (error instanceof Error && OF_THE_COMMAND.test(error.message)) return;
    this.#hint = movedTo(error) ?? this.#hint;
    this.#planLook();
  }

  #planLook(): void {
    if (this.#isClosed || this.#look !== undefined || this.#nextLook !== undefined) return;
    const pause = Math.max(0, this.#lookedAtMillis + MIN_LOOK_INTERVAL_MILLIS - this.#clock.monotonicMillis());
    this.#nextLook = this.#clock.after(pause, () => {
      this.#nextLook = undefined;
      this.#lookNow().catch(() => undefined);
    });
  }

  /** Rejects with the fault of the last node when none answers. */
  async #lookNow(): Promise<void> {
    this.#look ??= this.#askNodes().finally(() => {
      this.#look = undefined;
      this.#lookedAtMillis = this.#clock.monotonicMillis();
    });
    await this.#look;
  }

  async #askNodes(): Promise<void> {
    let best: ClusterView | undefined;
    let fault: unknown;
    for (const node of this.#nodesToAsk()) {
      if (this.#isClosed) return;
      try {
        const view = await askForSlots(this.#address, node, this.#behaviour, this.#clock);
        best ??= view;
        if (!view.isOk) continue;
        best = view;
        break;
      } catch (error) {
        fault = error;
      }
    }
    this.#hint = undefined;
    if (best === undefined) throw fault;
    this.#primaries = best.primaries;
    this.#connectAll();
  }

  /** Those that are known to serve slots, and those of the address, from a random one on. */
  #nodesToAsk(): readonly RedisNode[] {
    const byPlace = new Map<string, RedisNode>();
    const known = this.#primaries.filter((node) => node !== undefined);
    for (const node of [...this.#address.nodes, ...known]) byPlace.set(placeOf(node), node);
    const nodes = [...byPlace.values()];
    const start = Math.floor(this.#behaviour.random() * nodes.length);
    const turned = [...nodes.slice(start), ...nodes.slice(0, start)];
    return this.#hint === undefined ? turned : [this.#hint, ...turned];
  }

  /** Ends connections to nodes that serve none of our shards any more, and begins those that are missing. */
  #connectAll(): void {
    if (this.#isClosed) return;
    const wanted = new Map<string, RedisNode>();
    for (const slot of this.#slots) {
      const node = this.#primaries[slot];
      if (node !== undefined) wanted.set(placeOf(node), node);
    }
    for (const [place, redis] of this.#connections) {
      if (wanted.has(place)) continue;
      this.#connections.delete(place);
      redis.disconnect();
    }
    for (const [place, node] of wanted) {
      if (!this.#connections.has(place)) this.#connections.set(place, this.#connect(node));
    }
    for (const own of this.#ownConnections) this.#pointOwn(own);
  }

  #pointOwn(own: OwnConnection): void {
    const node = this.#primaries[own.slot];
    if (node === undefined || own.place === placeOf(node)) return;
    own.redis?.disconnect();
    own.place = placeOf(node);
    own.redis = this.#connect(node);
  }

  #connect(node: RedisNode): Redis {
    const redis = connectTo({ ...this.#address, kind: "server", nodes: [node] }, this.#behaviour);
    redis.on("close", () => this.#planLook());
    return redis;
  }
}

/** A connection of one shard alone. */
interface OwnConnection {
  readonly slot: number;
  /** Where it leads. */
  place: string | undefined;
  redis: Redis | undefined;
}

function noNode(slot: number): never {
  throw new Error(`CLUSTERDOWN no node is known that serves slot ${slot}`);
}
