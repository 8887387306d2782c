/** Faults on the side of the senders: batches that come several times, in other batches, or ten times as fast. */
import type { TcpProxy } from "../support/tcp-proxy.ts";
import type { Fault } from "./run-cycle.ts";

const MOST_MEMORY_BYTES = 512 * 1024 * 1024;
const BURST = 10;

const DUPLICATES: Fault = {
  name: "duplicates",
  backends: ["servers", "embedded"],
  habits: { copies: 2, repeats: 0.5 },
  async inject({ load, size, witness }) {
    await load.acknowledges(size.batches);
    const { acknowledgedBatches, answers } = load.journal;
    witness(`${answers.get("200")} deliveries of ${acknowledgedBatches} batches`);
  },
};

const TRIPLICATES: Fault = {
  name: "duplicates, around a kill",
  backends: ["servers", "embedded"],
  habits: { copies: 3, repeats: 0.5 },
  async inject({ stores, receivers, load, size, witness }) {
    await load.acknowledges(size.batches / 2);
    await receivers[0]!.kill();
    await load.fails(1);
    if (size.short) await stores.expireLeases();
    await receivers[0]!.start();
    await load.acknowledges(size.batches / 2);
    const { acknowledgedBatches, answers } = load.journal;
    witness(`${answers.get("200")} deliveries of ${acknowledgedBatches} batches`);
  },
};

/** Cuts answers off, now and then, until so many are lost. */
async function loseAnswers(
  door: TcpProxy,
  count: number,
  until: (condition: () => boolean) => Promise<void>,
): Promise<void> {
  for (let left = count; left > 0; left--) {
    let lost = false;
    door.once("POST /v1/metrics", "reply", () => {
      lost = true;
      return "cut";
    });
    await until(() => lost);
  }
}

const OTHER_BATCH: Fault = {
  name: "sent again in another batch",
  backends: ["servers", "embedded"],
  habits: { rebatches: 0.8 },
  async inject({ doors, load, size, witness }) {
    const count = size.short ? 10 : 50;
    await loseAnswers(doors[0]!, count, (condition) => load.until(condition, "an answer to be lost"));
    witness(`${count} answers lost`);
  },
};

const TEN_TIMES: Fault = {
  name: "10x burst",
  backends: ["servers", "embedded"],
  environment: { METRICS_BUFFER_SIZE: "16" },
  async inject({ receivers, load, size, witness }) {
    load.add(size.senders * (BURST - 1), { ...size.timing, mostPause: 0 });
    await load.acknowledges(size.batches * (size.short ? 2 : BURST));
    await load.until(() => (load.journal.answers.get("503") ?? 0) > 0, "a 503");
    const peak = receivers[0]!.peakMemoryBytes();
    if (peak > MOST_MEMORY_BYTES) throw new Error(`the receiver held ${peak} bytes`);
    witness(`${load.journal.answers.get("503")} x 503, ${Math.round(peak / 2 ** 20)} MiB`);
  },
};

/** The faults of this file. */
export const SENDER_FAULTS: readonly Fault[] = [DUPLICATES, TRIPLICATES, OTHER_BATCH, TEN_TIMES];
