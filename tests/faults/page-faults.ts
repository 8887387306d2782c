/** Faults of pages in meetings and of the bridge that they send to, beside services that go on. */
import { setTimeout as pause } from "node:timers/promises";
import { PAGE_SETTINGS, pagesOf } from "./pages.ts";
import type { Fault, Scene } from "./run-cycle.ts";

const OFFLINE_MILLIS = 300_000;
const SHORT_OFFLINE_MILLIS = 1500;

/** What both rows have: as many pages as exporters. */
const WITH_PAGES = {
  backends: ["servers", "embedded"],
  environment: PAGE_SETTINGS,
  joins: (journal, front, random, { senders, timing }) => pagesOf({ journal, front, random, pages: senders, timing }),
} satisfies Partial<Fault>;

/** Exports of pages that came to an answer of this kind, from now on. */
function countExports({ load }: Scene, kind: "200" | "broken"): () => number {
  const { lines } = load.journal;
  const before = lines.length;
  return () =>
    lines.slice(before).filter(({ batch, answer }) => batch.startsWith("page-") && answer.startsWith(kind)).length;
}

async function pagesAreTaken(scene: Scene): Promise<void> {
  const taken = countExports(scene, "200");
  await scene.load.until(() => taken() >= scene.size.batches, "exports of pages to be acknowledged");
}

/** Nothing of them arrives and nothing reaches them; some of what they sent meanwhile arrives late, after it was sent again. */
const OFFLINE: Fault = {
  ...WITH_PAGES,
  name: "pages offline",
  async inject(scene) {
    const { front, load, size, witness } = scene;
    await pagesAreTaken(scene);
    const millis = size.short ? SHORT_OFFLINE_MILLIS : OFFLINE_MILLIS;
    const taken = countExports(scene, "200");
    const lost = countExports(scene, "broken");
    for (const door of front.bridgeDoors) {
      door.requests("stall");
      door.replies("stall");
    }
    await load.until(() => lost() >= size.senders, "pages to have no answer");
    const before = taken();
    await pause(millis);
    if (taken() > before) throw new Error("pages were answered while they were offline");
    for (const door of front.bridgeDoors) {
      door.requests("pass");
      door.replies("pass");
    }
    await pagesAreTaken(scene);
    witness(`${lost()} exports without an answer in ${millis} ms`);
  },
};

const RESTART: Fault = {
  ...WITH_PAGES,
  name: "bridge restart with pages connected",
  async inject(scene) {
    const { stores, receivers, load, random, size, witness } = scene;
    const receiver = receivers[0]!;
    const lost = countExports(scene, "broken");
    const restarts = size.short ? 2 : 6;
    for (let restart = 0; restart < restarts; restart++) {
      await pagesAreTaken(scene);
      await pause(random.integer(0, 100));
      if (restart % 2 === 0) await receiver.stop();
      else await receiver.kill();
      await load.fails(1);
      if (size.short) await stores.expireLeases();
      await receiver.start();
      await receiver.ready();
    }
    await pagesAreTaken(scene);
    if (lost() === 0) throw new Error("no page noticed a restart");
    witness(`${restarts} restarts, every other a kill -9; ${lost()} exports without an answer`);
  },
};

/** The faults of this file. */
export const PAGE_FAULTS: readonly Fault[] = [OFFLINE, RESTART];
