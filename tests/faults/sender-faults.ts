/** Faults on the side of the senders: batches that come several times, in other batches, or ten times as fast. */
import { gzipSync } from "node:zlib";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import type { Load } from "./load.ts";
import type { Fault } from "./run-cycle.ts";

const MOST_MEMORY_BYTES = 512 * 1024 * 1024;
const BURST = 10;

const DUPLICATES: Fault = {
  name: "duplicates",
  backends: ["servers", "embedded"],
  habits: { copies: 2, repeats: 0.5 },
  async inject({ load, size, witness }) {
    await load.acknowledges(size.batches);
    witness(deliveries(load));
  },
};

/** How often batches were delivered, which must be more often than there are batches. */
function deliveries({ journal }: Load): string {
  const count = journal.answers.get("200") ?? 0;
  if (count <= journal.acknowledgedBatches) throw new Error("nothing was delivered twice");
  return `${count} deliveries of ${journal.acknowledgedBatches} batches`;
}

const TRIPLICATES: Fault = {
  name: "duplicates, around a kill",
  backends: ["servers", "embedded"],
  habits: { copies: 3, repeats: 0.5 },
  async inject({ stores, receivers, load, size, witness }) {
    await load.acknowledges(size.batches / 2);
    // Twice: with batches in the log, and with all of them committed, so that only the ledger knows what comes again.
    for (const committed of [false, true]) {
      if (committed) {
        await load.hold();
        await load.until(async () => (await stores.pendingEntries()) === 0, "everything to be committed");
      }
      await receivers[0]!.kill();
      if (committed) load.resume();
      await load.fails(1);
      if (size.short) await stores.expireLeases();
      await receivers[0]!.start();
      await load.acknowledges(size.batches);
    }
    witness(deliveries(load));
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

const BAD_BODIES: Fault = {
  name: "bad bodies",
  backends: ["servers", "embedded"],
  async inject({ doors, load, random, size, witness }) {
    const good = gzipSync(Buffer.from("a body whose checksum fails when a byte of it is another"));
    const answers = new Map<number, number>();
    for (let left = size.short ? 50 : 2000; left > 0; left--) {
      const body = Buffer.from(good);
      body[random.integer(10, body.length - 1)]! ^= random.integer(1, 255);
      const headers: Record<string, string> = {
        "content-type": random.pick(["application/x-protobuf", "application/json", "text/plain"]),
        "content-encoding": random.pick(["gzip", "deflate", "zstd", "br"]),
      };
      const answer = await fetch(`http://127.0.0.1:${doors[0]!.port}/v1/metrics`, { method: "POST", headers, body });
      await answer.arrayBuffer();
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
      if (answer.status < 400 || answer.status >= 500) throw new Error(`a bad body was answered ${answer.status}`);
    }
    await load.acknowledges(size.batches);
    witness([...answers].map(([status, count]) => `${count} x ${status}`).join(", "));
  },
};

/** The faults of this file. */
export const SENDER_FAULTS: readonly Fault[] = [DUPLICATES, TRIPLICATES, OTHER_BATCH, TEN_TIMES, BAD_BODIES];
