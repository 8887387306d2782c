/** Everything at random, one upon the other: what no row thought of. */
import { setTimeout as pause } from "node:timers/promises";
import type { ScaleFault, ScaleScene } from "./scale-fault.ts";
import { MOST_SHARDS, primariesOf } from "./scale-stores.ts";
import type { Victim } from "./victim.ts";

/** A member that wakes up hears within this time that the group has thrown it out: until then it looks well to itself, and for a moment to all. */
const SQL_SETTLED_MILLIS = 1000;

/** What a process is chosen from. */
interface Kind {
  /** How many may be away at a time. More would not be a fault but the end: without a majority a group does not come back by itself. */
  readonly most: number;
  choose(): Promise<Victim>;
  /** What is to be done before it is taken away. */
  prepare(victim: Victim): Promise<void>;
  /** Resolves when everything is in order again. */
  ok(): Promise<void>;
}

function kindsOf({ receivers, stores, load, random }: ScaleScene): readonly Kind[] {
  const { cluster, sql } = stores;
  const nothing = async (): Promise<void> => undefined;
  return [
    { most: receivers.length, choose: async () => random.pick(receivers), prepare: nothing, ok: nothing },
    {
      most: 1,
      async choose() {
        const anyNode = random.chance(0.3);
        return anyNode ? random.pick(cluster.nodes) : await cluster.primaryOfShard(random.integer(0, MOST_SHARDS - 1));
      },
      async prepare(victim) {
        const primary = [...(await primariesOf(cluster))].find((node) => node === victim);
        if (primary !== undefined) await stores.beginRisk(load.journal, primary);
      },
      async ok() {
        await cluster.ok(cluster.nodes.length);
        load.journal.atRisk = false;
      },
    },
    {
      most: 1,
      async choose() {
        // A group may lose a member by itself, on a busy machine. Of two, none is left with a majority.
        await sql.ok();
        return await sql.primary();
      },
      prepare: nothing,
      ok: () => sql.ok(SQL_SETTLED_MILLIS),
    },
  ];
}

/** A process that is away. */
interface Absent {
  readonly kind: Kind;
  readonly victim: Victim;
  comeBack(): Promise<void>;
}

class Absences {
  readonly #scene: ScaleScene;
  readonly #kinds: readonly Kind[];
  readonly #absent: Absent[] = [];

  constructor(scene: ScaleScene) {
    this.#scene = scene;
    this.#kinds = kindsOf(scene);
  }

  get count(): number {
    return this.#absent.length;
  }

  /** Takes one away, if there may be one more of the kind that is chosen. */
  async takeOne(): Promise<void> {
    const { random } = this.#scene;
    const kind = random.pick(this.#kinds);
    if (this.#absent.filter((absent) => absent.kind === kind).length >= kind.most) return;
    const victim = await kind.choose();
    if (this.#absent.some((absent) => absent.victim === victim)) return;
    await kind.prepare(victim);
    const killed = random.chance(0.5);
    if (killed) await victim.kill();
    else victim.freeze();
    this.#absent.push({ kind, victim, comeBack: async () => (killed ? await victim.start() : victim.thaw()) });
  }

  /** Brings one back. */
  async bringOne(): Promise<void> {
    const [absent] = this.#absent.splice(this.#scene.random.integer(0, this.#absent.length - 1), 1);
    await absent!.comeBack();
    await absent!.kind.ok();
  }
}

const ALL_AT_RANDOM: ScaleFault = {
  name: "everything at random",
  replacesPrimary: true,
  habits: { repeats: 0.1, rebatches: 0.2 },
  async inject(scene) {
    const { random, size, witness } = scene;
    const absences = new Absences(scene);
    const steps = size.short ? 6 : 14;
    let most = 0;
    for (let step = 0; step < steps; step++) {
      if (absences.count > 0 && random.chance(absences.count / 4)) await absences.bringOne();
      else await absences.takeOne();
      most = Math.max(most, absences.count);
      await pause(random.integer(0, size.short ? 150 : 2000));
    }
    while (absences.count > 0) await absences.bringOne();
    witness(`${steps} steps, up to ${most} away at a time`);
  },
};

/** The rows of this file. */
export const RANDOM_ROWS: readonly ScaleFault[] = [ALL_AT_RANDOM];
