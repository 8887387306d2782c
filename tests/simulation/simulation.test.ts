/**
 * Thousands of simulated worlds, a seed each, in which whatever can go wrong does. `SIMULATION_SEEDS` asks for more of them,
 * `SIMULATION_FIRST_SEED` for others; a seed that fails is run again with its trace.
 */
import { describe, expect, it, vi } from "vitest";
import { DISASTERS } from "./scenario.ts";
import { simulate } from "./simulation.ts";

vi.mock(import("node:zlib"), async (original) => {
  const { synchronousGzip } = await import("./synchronous-gzip.ts");
  return synchronousGzip(await original());
});

const FIRST_SEED = Number(process.env["SIMULATION_FIRST_SEED"] ?? 1);
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 1500);
const SEEDS_A_TEST = 250;
/** Far more than a seed takes: only a run that hangs is ended. */
const MILLIS_A_SEED = 500;
const TRACE_LINES = 400;

/** Runs a seed again and tells what happened. */
async function story(seed: number, broken: string): Promise<string> {
  const { trace } = await simulate({ seed, keepTrace: true });
  const shown = trace.length > TRACE_LINES ? [trace[0], "…", ...trace.slice(-TRACE_LINES)] : trace;
  return `seed ${seed}: ${broken}\nSIMULATION_FIRST_SEED=${seed} SIMULATION_SEEDS=1 runs it again\n${shown.join("\n")}`;
}

describe("what was acknowledged is in the totals once, whatever goes wrong,", () => {
  for (let from = FIRST_SEED; from < FIRST_SEED + SEEDS; from += SEEDS_A_TEST) {
    const through = Math.min(from + SEEDS_A_TEST, FIRST_SEED + SEEDS) - 1;
    const timeout = (through - from + 1) * MILLIS_A_SEED + 30_000;
    it(`in the worlds of seeds ${from} to ${through}`, { timeout }, async () => {
      for (let seed = from; seed <= through; seed++) {
        const { broken } = await simulate({ seed });
        if (broken !== undefined) expect.fail(await story(seed, broken));
      }
    });
  }
});

/** Worlds with another number of shards every few seconds take longer. */
const LAYOUT_SEEDS = Math.ceil(SEEDS / 5);

describe("what was acknowledged is in the totals once, though the number of shards changes,", () => {
  // A copy of the totals from before a change, put back, knows nothing of logs that were divided otherwise.
  // On an old primary the log of a shard that was not there yet looks like one of an exchanged server.
  const left = new Set<string>(["sql restored", "replica promoted, old primary runs on"]);
  const disasters = DISASTERS.filter((disaster) => !left.has(disaster));
  const timeout = LAYOUT_SEEDS * 2 * MILLIS_A_SEED + 30_000;
  it(`in the worlds of seeds ${FIRST_SEED} to ${FIRST_SEED + LAYOUT_SEEDS - 1}`, { timeout }, async () => {
    let changes = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + LAYOUT_SEEDS; seed++) {
      const chosen = disasters.filter((_, index) => (seed * 7919 + index * 104_729) % 5 === 0);
      const options = {
        seed,
        changesLayout: true,
        keepTrace: true,
        scenario: { disasters: chosen, isEmbedded: false },
      };
      const { broken, trace } = await simulate(options);
      if (broken !== undefined) expect.fail(`seed ${seed}: ${broken}\n${trace.slice(-TRACE_LINES).join("\n")}`);
      if (trace.some((line) => line.includes("shards now"))) changes++;
    }
    expect(changes).toBeGreaterThan(LAYOUT_SEEDS / 2);
  });
});

/** What must happen in some of the first worlds: else they are not troubled enough to prove anything. */
const TROUBLES: readonly (string | RegExp)[] = [
  ...DISASTERS.filter((disaster) => disaster !== "replica promoted, old primary runs on").map(
    (disaster) => `disaster: ${disaster}`,
  ),
  "kill",
  "stands still",
  "opened its log anew",
  "gave up the shard",
  "the totals end at entry",
  "the log is full",
  "no answer in time",
  "connection cut",
  "no answer",
  /the log lost .*\d-0/,
  /commit .*done/,
  /append .*"encoding"|read .*"gzip"/,
];

describe("a simulation", { timeout: 120_000 }, () => {
  it("is the same every time, event by event", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const first = await simulate({ seed, keepTrace: true });
      const second = await simulate({ seed, keepTrace: true });
      expect(second).toEqual(first);
      expect(first.trace.length).toBeGreaterThan(50);
      expect((await simulate({ seed })).events).toBe(first.events);
    }
  });

  it("meets every trouble in its first worlds", async () => {
    const left = new Set(TROUBLES);
    for (let seed = 1; seed <= 300 && left.size > 0; seed++) {
      const text = (await simulate({ seed, keepTrace: true })).trace.join("\n");
      for (const trouble of left) {
        if (typeof trouble === "string" ? text.includes(trouble) : trouble.test(text)) left.delete(trouble);
      }
    }
    expect([...left]).toEqual([]);
  });
});
