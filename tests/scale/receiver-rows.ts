/** Rows in which something happens to receivers, and with them to their bridges. */
import { setTimeout as pause } from "node:timers/promises";
import type { ScaleFault, ScaleScene } from "./scale-fault.ts";

/** Longer than a lease lasts: another receiver takes the shards. */
const MOST_NAP_MILLIS = 8000;

/** Kills one receiver after the other, at random, and starts it again after a while. */
async function killReceivers({ receivers, stores, load, random, size, witness }: ScaleScene): Promise<void> {
  const kills = size.short ? 1 : 2;
  for (let kill = 0; kill < kills; kill++) {
    const victim = random.pick(receivers);
    await load.acknowledges(random.integer(1, size.batches));
    await victim.kill();
    if (size.short) await stores.expireLeases();
    // The others take over what it did.
    await load.acknowledges(random.integer(1, size.batches));
    await pause(random.integer(0, size.short ? 100 : 3000));
    await victim.start();
    await victim.ready();
  }
  witness(`${kills} kills`);
}

const RECEIVER_KILLED: ScaleFault = { name: "receiver killed", inject: killReceivers };

const BRIDGE_KILLED: ScaleFault = { name: "bridge killed with pages connected", pages: 4, inject: killReceivers };

/** One receiver after the other falls asleep, at random; the others take over, and it wakes up in the middle of what it did. */
export async function pauseReceivers(scene: ScaleScene, naps: number, leastMillis = 0): Promise<void> {
  const { receivers, stores, load, random, size, witness } = scene;
  for (let nap = 0; nap < naps; nap++) {
    const sleeper = random.pick(receivers);
    await load.acknowledges(random.integer(1, size.batches));
    sleeper.freeze();
    if (size.short) await stores.expireLeases();
    await pause(leastMillis + random.integer(0, size.short ? 500 : MOST_NAP_MILLIS));
    await load.acknowledges(random.integer(1, size.batches));
    sleeper.thaw();
  }
  witness(`${naps} naps`);
}

const RECEIVER_PAUSED: ScaleFault = {
  name: "receiver paused and waking up",
  inject: (scene) => pauseReceivers(scene, scene.size.short ? 1 : 2),
};

const AT_SEVERAL: ScaleFault = {
  name: "one stream at several receivers at once",
  habits: { copies: 3, repeats: 0.5, rebatches: 0.3 },
  async inject({ front, load, size, witness }) {
    await load.acknowledges(2 * size.batches);
    const answered = await front.haproxy.answered();
    if (answered.some((count) => count === 0)) throw new Error(`not every receiver took part: ${answered.join(", ")}`);
    witness(`${answered.join(" + ")} answers for ${load.journal.acknowledgedBatches} batches`);
  },
};

/** The rows of this file. */
export const RECEIVER_ROWS: readonly ScaleFault[] = [RECEIVER_KILLED, RECEIVER_PAUSED, BRIDGE_KILLED, AT_SEVERAL];
