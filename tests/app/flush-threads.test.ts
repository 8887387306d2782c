import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { flushThreads } from "../../src/app/flush-threads.ts";

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

/** A worker thread that flushes when it is asked, and says how often it was. Resolves when it is heard. */
async function flushingWorker(): Promise<{ readonly worker: Worker; readonly asked: () => number }> {
  const module = new URL("../../src/app/flush-threads.ts", import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(({ flushWhenAsked }) => {
    const { parentPort } = require("node:worker_threads");
    flushWhenAsked(async () => parentPort.postMessage("asked"));
    setInterval(() => {}, 1000);
    parentPort.postMessage("listens");
  })`;
  const worker = new Worker(script, { eval: true });
  workers.push(worker);
  let count = 0;
  await once(worker, "message");
  worker.on("message", () => count++);
  // What it has told on the channel is behind what it has told us: one turn of both.
  await new Promise((resolve) => void setTimeout(resolve, 50));
  return { worker, asked: () => count };
}

describe("the threads of a process", () => {
  it("are all asked, and waited for until each has flushed", async () => {
    const flush = flushThreads();
    const threads = [await flushingWorker(), await flushingWorker()];
    await flush();
    await expect.poll(() => threads.map(({ asked }) => asked())).toEqual([1, 1]);
  });

  it("are not waited for once they were terminated, before or while they are asked", async () => {
    const flush = flushThreads();
    const [gone, going] = [await flushingWorker(), await flushingWorker()];
    await gone.worker.terminate();
    const flushed = flush();
    await going.worker.terminate();
    await flushed;
    await flush();
  });
});
