/** Everything at random, one upon the other: what no row thought of. */
import { setTimeout as pause } from "node:timers/promises";
import { MOST_SHARDS } from "./scale-stores.ts";
import type { ScaleFault, ScaleScene } from "./scale-fault.ts";
import type { Victim } from "./victim.ts";

/** What a process may be chosen from, and how many of them may be away at a time. */
interface Kind {
  readonly name: string;
  /** More at a time would not be a fault but the end: a group without a majority does not come back by itself. */
  readonly most: number;
  choose(): Promise<Victim>;
}

function kindsOf({ receivers, stores, random }: ScaleScene): readonly Kind[] {
  const { cluster, sql } = stores;
  return [
    { name: "receiver", most: receivers.length, choose: async () => random.pick(receivers) },
    {
      name: "Redis primary",
      most: 1,
      choose: () => cluster.primaryOfShard(random.integer(0, MOST_SHARDS - 1)),
    },
    { name: "Redis node", most: 1, choose: async () => random.pick(cluster.nodes) },
    { name: "SQL primary", most: 1, choose: () => sql.primary() },
  ];
}

/** A process that is away, until it is brought back. */
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
    // Nobody serves a key while its primary is away and no other has taken its place: then there is none to choose.
    if (kind.name !== "receiver" && this.#absent.some((absent) => isStore(absent) && isStore({ kind }))) return;
    const victim = await kind.choose();
    if (this.#absent.some((absent) => absent.victim === victim)) return;
    const killed = random.chance(0.5);
    if (killed) await victim.kill();
    else victim.freeze();
    this.#absent.push({ kind, victim, comeBack: async () => (killed ? await victim.start() : victim.thaw()) });
  }

  /** Brings one back. */
  async bringOne(): Promise<void> {
    const { random } = this.#scene;
    const [absent] = this.#absent.splice(random.integer(0, this.#absent.length - 1), 1);
    await absent!.comeBack();
    if (!isStore(absent!)) return;
    const { cluster, sql } = this.#scene.stores;
    await Promise.all([cluster.ok(cluster.nodes.length), sql.ok()]);
  }
}

function isStore({ kind }: Pick<Absent, "kind">): boolean {
  return kind.name !== "receiver";
}

const ALL_AT_RANDOM: ScaleFault = {
  name: "everything at random",
  replacesPrimary: true,
  habits: { copies: 2, repeats: 0.1, rebatches: 0.2 },
  async inject(scene) {
    const { load, random, size, stores, witness } = scene;
    // Which of the acknowledged batches were on their way to a replica is not followed here.
    load.journal.atRisk = stores.waitReplicas === 0;
    const absences = new Absences(scene);
    const steps = size.short ? 6 : 14;
    for (let step = 0; step < steps; step++) {
      if (absences.count > 0 && random.chance(absences.count / 3)) await absences.bringOne();
      else await absences.takeOne();
      await pause(random.integer(0, size.short ? 150 : 2000));
    }
    while (absences.count > 0) await absences.bringOne();
    load.journal.atRisk = false;
    witness(`${steps} steps`);
  },
};

/** The rows of this file. */
export const RANDOM_ROWS: readonly ScaleFault[] = [ALL_AT_RANDOM];
