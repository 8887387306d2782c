/**
 * Which of several receivers is to have which shard: evenly, and so that few shards move when one comes or goes. Everyone who knows the
 * same receivers comes to the same result, so that they need not talk about it.
 */

/**
 * The receiver of each shard, by shard number; empty without receivers. Rendezvous hashing with room: every receiver has as many shards as
 * any other, or one more or less. The order of the names does not matter.
 */
export function spreadShards(receivers: readonly string[], shardCount: number): readonly string[] {
  const names = [...new Set(receivers)];
  if (names.length === 0) return [];
  const least = Math.floor(shardCount / names.length);
  let withOneMore = shardCount % names.length;
  const counts = new Map<string, number>();
  const spread = Array.from<string | undefined>({ length: shardCount });
  for (const { name, shard } of byWeight(names, shardCount)) {
    const count = counts.get(name) ?? 0;
    if (spread[shard] !== undefined || count > least || (count === least && withOneMore === 0)) continue;
    if (count === least) withOneMore -= 1;
    counts.set(name, count + 1);
    spread[shard] = name;
  }
  return spread as readonly string[];
}

/** Lists of receivers differ by shard for a moment when one comes or goes, and when a server of leases is slow: few do at the same time. */
const MAX_REMEMBERED = 8;

/** {@link spreadShards} for whoever asks about one shard after the other: what was asked lately is not computed again. */
export class RememberedSpread {
  readonly #shardCount: number;
  readonly #spreadOf: typeof spreadShards;
  /** By the receivers' names; what was asked for last comes last. */
  readonly #known = new Map<string, readonly string[]>();

  /** `spreadOf` computes one. */
  constructor(shardCount: number, spreadOf: typeof spreadShards = spreadShards) {
    this.#shardCount = shardCount;
    this.#spreadOf = spreadOf;
  }

  /** The receiver of a shard; undefined without receivers. */
  receiverOf(receivers: readonly string[], shard: number): string | undefined {
    const asked = receivers.join(" ");
    const spread = this.#known.get(asked) ?? this.#spreadOf(receivers, this.#shardCount);
    this.#known.delete(asked);
    this.#known.set(asked, spread);
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return spread[shard];
  }
}

interface Pair {
  readonly name: string;
  readonly shard: number;
  readonly weight: number;
}

/** Every receiver with every shard, heaviest first. */
function byWeight(names: readonly string[], shardCount: number): readonly Pair[] {
  const pairs: Pair[] = [];
  for (const name of names) {
    for (let shard = 0; shard < shardCount; shard += 1) pairs.push({ name, shard, weight: weightOf(name, shard) });
  }
  return pairs.sort((a, b) => b.weight - a.weight || a.shard - b.shard || (a.name < b.name ? -1 : 1));
}

/** FNV-1a over name and shard, mixed once more: its low and high bits are alike for texts that differ in their end. */
function weightOf(name: string, shard: number): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${name} ${shard}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
