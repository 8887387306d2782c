/** Rows in which the number of shards changes under load. */
import { SHARDS } from "../faults/stores.ts";
import { LiveWatch } from "./live-watch.ts";
import type { ScaleFault, ScaleScene } from "./scale-fault.ts";
import { MOST_SHARDS } from "./scale-stores.ts";

/** What a team may be asked to live with while every receiver is replaced. */
const MOST_GAP_MILLIS = 10_000;

/** Ends every receiver in order and starts it again, one after the other. */
async function restartEach({ receivers, load, size }: ScaleScene, shards: number): Promise<void> {
  for (const receiver of receivers) {
    receiver.reconfigure({ SHARDS: String(shards) });
    const { code, millis } = await receiver.stop();
    if (code !== 0) throw new Error(`a receiver ended with ${code} after ${millis} ms: ${receiver.complaints}`);
    await receiver.start();
    await receiver.ready();
    await load.acknowledges(size.batches / 3);
  }
}

/** In all cycles of this process, milliseconds. */
let longest = 0;

const GROWN: ScaleFault = {
  name: `SHARDS ${SHARDS} to ${MOST_SHARDS}, every receiver restarted`,
  async inject(scene) {
    const { front, load, size, witness } = scene;
    const live = new LiveWatch(front.bridgeOrigin);
    let gap = 0;
    try {
      await load.until(() => live.hasSeen, "the live view to show traffic");
      await restartEach(scene, MOST_SHARDS);
      await load.acknowledges(size.batches);
    } finally {
      gap = await live.stop();
    }
    if (gap > MOST_GAP_MILLIS) throw new Error(`the live view showed no traffic for ${gap} ms`);
    longest = Math.max(longest, gap);
    witness(`longest gap of /api/live ${gap} ms, in all cycles ${longest} ms`);
  },
};

/** The rows of this file. */
export const SHARD_ROWS: readonly ScaleFault[] = [GROWN];
