/** Faults one upon the other: what no row thought of. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import type { ReceiverChild } from "./receiver-child.ts";
import type { Fault, Scene } from "./run-cycle.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { EmbeddedStores, ServerStores } from "./stores.ts";

/** A fault that has begun stays until it is ended. */
interface LastingFault {
  readonly name: string;
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

function lastingFaults({ stores, receivers, doors, random }: Scene): LastingFault[] {
  const faults = [
    ...receivers.flatMap((receiver, at) => receiverFaults(receiver, at)),
    ...doors.map((door, at) => brokenFlow(`senders - receiver ${at}`, door, random)),
  ];
  if (stores instanceof ServerStores) {
    const { redis, sql, redisProxies, sqlProxies } = stores;
    faults.push({ name: "Redis down", begin: () => redis.kill(), end: () => redis.start() });
    faults.push({ name: "SQL down", begin: () => sql.kill(), end: () => sql.start() });
    faults.push(...redisProxies.map((proxy, at) => brokenFlow(`receiver ${at} - Redis`, proxy, random)));
    faults.push(...sqlProxies.map((proxy, at) => brokenFlow(`receiver ${at} - SQL`, proxy, random)));
  }
  if (stores instanceof EmbeddedStores) faults.push(lockedFile(stores));
  return faults;
}

function receiverFaults(receiver: ReceiverChild, at: number): LastingFault[] {
  return [
    { name: `receiver ${at} killed`, begin: () => receiver.kill(), end: () => receiver.start() },
    { name: `receiver ${at} asleep`, begin: () => receiver.freeze(), end: () => receiver.thaw() },
  ];
}

function brokenFlow(name: string, proxy: TcpProxy, random: SeededRandom): LastingFault {
  return {
    name,
    begin() {
      const flow = random.pick(["cut", "stall"] as const);
      const directions = random.pick(["requests", "replies", "both"] as const);
      if (directions !== "replies") proxy.requests(flow);
      if (directions !== "requests") proxy.replies(flow);
    },
    end() {
      proxy.requests("pass");
      proxy.replies("pass");
    },
  };
}

function lockedFile({ folder }: EmbeddedStores): LastingFault {
  let other: DatabaseSync | undefined;
  return {
    name: "totals' file locked",
    begin() {
      other = new DatabaseSync(join(folder, "bandwidth.db"));
      try {
        other.exec("PRAGMA busy_timeout = 1000; BEGIN IMMEDIATE");
      } catch {
        // A receiver that was put to sleep in the middle of a commit has the lock.
      }
    },
    end: () => other?.close(),
  };
}

const ALL_AT_RANDOM: Fault = {
  name: "everything at random",
  backends: ["servers", "embedded"],
  receivers: 2,
  habits: { repeats: 0.1, rebatches: 0.2 },
  async inject(scene) {
    const { random, size, witness } = scene;
    const quiet = lastingFaults(scene);
    const begun: LastingFault[] = [];
    const end = async (): Promise<void> => {
      const [fault] = begun.splice(random.integer(0, begun.length - 1), 1);
      await fault!.end();
      quiet.push(fault!);
    };
    const steps = size.short ? 10 : 60;
    for (let step = 0; step < steps; step++) {
      if (begun.length > 0 && random.chance(begun.length / 4)) await end();
      else {
        const [fault] = quiet.splice(random.integer(0, quiet.length - 1), 1);
        await fault!.begin();
        begun.push(fault!);
      }
      await pause(random.integer(0, size.short ? 150 : 3000));
    }
    while (begun.length > 0) await end();
    witness(`${steps} steps`);
  },
};

/** The faults of this file. */
export const RANDOM_FAULTS: readonly Fault[] = [ALL_AT_RANDOM];
