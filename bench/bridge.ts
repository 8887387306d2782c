/**
 * Browsers: many simulated participants on one receiver: what their events cost, how soon they are answered, and how old the
 * live figures are when an admin has them. Afterwards the totals in SQL must be what was acknowledged.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TokenKeys } from "../src/bridge/token-keys.ts";
import { systemClock } from "../src/model/clock.ts";
import { bridgeSocket } from "../tests/support/bridge-client.ts";
import type { PageOrder, PagesSent } from "./page-process.ts";
import { ReceiverUnderLoad } from "./receiver-under-load.ts";
import { type BridgeRound, keepBridge } from "./scale-measurements.ts";
import { megabytes, median } from "./statistics.ts";

/** How the bench is run. */
export interface BridgeBenchOptions {
  readonly participants: number;
  readonly admins: number;
  /** Length of each round. */
  readonly seconds: number;
  /** Writes the figures into `bench/scale-measurements.json`. */
  readonly keep: boolean;
}

/** A steady call exports every ten seconds; the second is five times that. */
const INTERVALS_MILLIS = [10_000, 2000];
const PARTICIPANTS_PER_MEETING = 4;
const PERSIST_MILLIS = 10_000;
const POLL_MILLIS = 200;
const PERSISTED_MAX_MILLIS = 120_000;
const SECRET = "a secret for the bench, made of nothing";

/** Runs the bench and prints its table. Returns false when the totals are not what was acknowledged. */
export async function benchBridge({ participants, admins, seconds, keep }: BridgeBenchOptions): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "bench-bridge-"));
  const pages = fork(new URL("page-process.ts", import.meta.url).pathname);
  const ask = async <T>(order: PageOrder): Promise<T> => {
    pages.send(order);
    return (await once(pages, "message"))[0] as T;
  };
  const receiver = await ReceiverUnderLoad.start(directory, PERSIST_MILLIS, "redis", {
    BRIDGE_JWT_SECRET: SECRET,
    BRIDGE_MAX_PENDING_PER_ADDRESS: String(participants),
  });
  try {
    const keys = new TokenKeys({ secret: SECRET, clock: systemClock });
    const tokens = await Promise.all(Array.from({ length: participants }, (_, index) => tokenOf(keys, index)));
    const ages = await watch(receiver.bridgeOrigin, keys, admins);
    const before = receiver.cost();
    const connecting = await ask<number>({ order: "connect", origin: receiver.bridgeOrigin, tokens });
    const connectCpu = receiver.cost().receiver.cpuSeconds - before.receiver.cpuSeconds;
    console.log(
      `bridge: ${participants} participants connected in ${connecting.toFixed(1)} s, ${connectCpu.toFixed(1)} CPU-seconds; ${admins} admins`,
    );
    console.log(
      "interval  events/s  KB/event  CPU-s/s: receiver, Redis, SQL  ms CPU/event  answered in: median, p99  live age: median, max  peak RSS",
    );
    let packets = 0;
    const rounds: BridgeRound[] = [];
    for (const intervalMillis of INTERVALS_MILLIS) {
      ages.length = 0;
      const [start, startCost] = [performance.now(), receiver.cost()];
      const sent = await ask<PagesSent>({ order: "send", intervalMillis, seconds });
      const [elapsed, cost] = [(performance.now() - start) / 1000, receiver.cost()];
      const used = (part: "receiver" | "redis" | "sql"): number => cost[part].cpuSeconds - startCost[part].cpuSeconds;
      rounds.push({
        participants,
        seconds: elapsed,
        events: sent.events,
        bytes: sent.bytes,
        cpuSeconds: { receivers: used("receiver"), redis: used("redis"), sql: used("sql") },
        receiverPeakBytes: cost.receiver.peakBytes,
      });
      const answers = sent.answerMillis.toSorted((a, b) => a - b);
      const figures = [
        `${intervalMillis} ms`.padStart(8),
        (sent.events / elapsed).toFixed(0).padStart(8),
        (sent.bytes / sent.events / 1000).toFixed(2).padStart(8),
        (["receiver", "redis", "sql"] as const)
          .map((part) => (used(part) / elapsed).toFixed(2))
          .join(", ")
          .padStart(28),
        ((1000 * used("receiver")) / sent.events).toFixed(2).padStart(12),
        `${median(answers).toFixed(1)} ms, ${answers[Math.floor(answers.length * 0.99)]!.toFixed(0)} ms`.padStart(24),
        (ages.length === 0 ? "none" : `${median(ages).toFixed(0)} ms, ${Math.max(...ages)} ms`).padStart(21),
        megabytes(cost.receiver.peakBytes).padStart(8),
      ];
      console.log(figures.join("  "));
      for (const [reason, count] of Object.entries(sent.refused)) {
        console.log(`refused ${count} times: ${reason}`);
      }
      packets = sent.packets;
    }
    const deadline = performance.now() + PERSISTED_MAX_MILLIS;
    let stored = await receiver.sumOf("packets_in");
    while (stored < packets && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
      stored = await receiver.sumOf("packets_in");
    }
    console.log(`totals: ${stored} packets received, acknowledged were ${packets}`);
    if (keep) keepBridge(rounds);
    return stored === packets;
  } finally {
    pages.disconnect();
    await receiver.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function tokenOf(keys: TokenKeys, index: number): Promise<string> {
  const meeting = `meeting-${Math.floor(index / PARTICIPANTS_PER_MEETING)}`;
  return keys.issue({ meeting, participant: `participant-${index}`, role: "participant", expiresInSeconds: 3600 });
}

/** Connects admins; the list gets the age of every message that comes, milliseconds. */
async function watch(origin: string, keys: TokenKeys, admins: number): Promise<number[]> {
  const ages: number[] = [];
  const token = await keys.issue({ role: "admin", expiresInSeconds: 3600 });
  for (let index = 0; index < admins; index++) {
    bridgeSocket(origin, "/admin", token).on("live", ({ at }: { at: number }) => void ages.push(Date.now() - at));
  }
  return ages;
}
