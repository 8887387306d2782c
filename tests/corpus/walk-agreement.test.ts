/**
 * The door's walk and the fold's agree on every body, however it was changed: what the door admits the fold counts, what
 * the door refuses the fold never sees, nothing throws, nothing goes to quarantine, and what comes of it can be stored.
 * `FUZZ_MUTATIONS` and `FUZZ_SEED` run more, or one failure again.
 */
import { afterAll, expect, test } from "vitest";
import { incrementsOf } from "../../src/aggregate/increments.ts";
import { ShardFold } from "../../src/aggregate/shard-fold.ts";
import type { LogEntry } from "../../src/model/ingest-log.ts";
import { createOpenBody } from "../../src/otlp/open-body.ts";
import { walkCheckedMetrics, walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { RequestInspection } from "../../src/receive/request-inspection.ts";
import { checkCommit } from "../../src/rollup/check-commit.ts";
import { shardCommit } from "../support/shard-commits.ts";
import { mutated, seededRandom } from "./mutations.ts";
import { jsonSeeds, protobufSeeds } from "./seed-bodies.ts";

const BIRTH = 1_800_000_000;
const RECEIVED_MILLIS = (BIRTH + 100) * 1000;
const AGE = 3_600_000;
const MUTATIONS = Number(process.env["FUZZ_MUTATIONS"] ?? 20_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** Bodies folded by one fold, and committed together. */
const PER_COMMIT = 50;

const START = BigInt(BIRTH + 1) * 1_000_000_000n;
const PROTOBUF = protobufSeeds(START, START + 5_000_000_000n);
const JSON_SEEDS = jsonSeeds(START, START + 5_000_000_000n);
const openBody = createOpenBody();

function newFold(walk: typeof walkMetrics): ShardFold {
  return new ShardFold({
    shard: 0,
    walk,
    maxSeries: 100,
    deltaMaxAgeMillis: AGE,
    maxRecentDeltas: 100_000,
    maxStateBytes: 50_000_000,
    birthSeconds: BIRTH,
    prices: { nanosPerUserHour: 50_000_000, nanosPerGigabyte: 1_000_000 },
  });
}

interface Folded {
  readonly commit: ReturnType<typeof shardCommit>;
  readonly counts: Record<string, number>;
}

function take(fold: ShardFold): Folded {
  const receiver = fold.counts.take();
  const commit = shardCommit("0-0", "1-0", { ...incrementsOf(fold.series.takeRows(), 0), ...fold.take(), receiver });
  const counts: Record<string, number> = {};
  for (const { counts: one } of receiver) {
    for (const [name, count] of Object.entries(one)) counts[name] = (counts[name] ?? 0) + (count as number);
  }
  return { commit, counts };
}

function receive(fold: ShardFold, body: Uint8Array, id: number, isClean: boolean): void {
  const entry: LogEntry = {
    id: `${id}-0`,
    contentType: "protobuf",
    encoding: "identity",
    body,
    bodyHash: new Uint8Array(0),
    receivedAtMillis: RECEIVED_MILLIS,
  };
  fold.install(fold.unloadedScopes(entry, body, isClean), []);
  fold.fold(entry, body, isClean);
}

let [admitted, refused] = [0, 0];
afterAll(() => {
  process.stdout.write(`seed ${SEED}: ${admitted} mutated bodies were admitted, ${refused} refused\n`);
});

async function batch(seed: number): Promise<void> {
  const random = seededRandom(seed);
  // As it runs in one process, and as it runs after a crash: opened anew and judged again.
  const [trusting, judging] = [newFold(walkCheckedMetrics), newFold(walkMetrics)];
  let [counted, rejected, ignored, flagged] = [0, 0, 0, 0];
  for (let index = 0; index < PER_COMMIT; index += 1) {
    const isJson = random(4) === 0;
    const seeds = isJson ? JSON_SEEDS : PROTOBUF;
    const bytes = mutated(seeds[random(seeds.length)]!, seeds, random);
    const opened = await openBody(bytes, isJson ? "json" : "protobuf", "identity");
    if (opened.kind !== "success") {
      expect(["invalid", "too_large"]).toContain(opened.code);
      refused += 1;
      continue;
    }
    const inspection = new CountingInspection();
    const walked = walkMetrics(opened.value, inspection);
    if (walked.kind !== "success") {
      expect(["invalid", "too_large"]).toContain(walked.code);
      refused += 1;
      continue;
    }
    admitted += 1;
    counted += inspection.countedParts.reduce((sum, part) => sum + part.countedPoints, 0);
    rejected += inspection.rejectedPoints;
    ignored += inspection.ignoredPoints;
    flagged += inspection.flagged;
    receive(trusting, opened.value, index + 1, inspection.rejectedPoints === 0);
    receive(judging, opened.value, index + 1, false);
  }
  const [one, other] = [take(trusting), take(judging)];
  expect(one.commit).toEqual(other.commit);
  expect(one.commit.quarantine).toEqual([]);
  expect(checkCommit(one.commit)).toMatchObject({ kind: "success" });
  const of = (name: string): number => one.counts[name] ?? 0;
  // A baseline counts as a point, too, unless it is faulty: every counted point ends in exactly one of these.
  const seen = of("points") + of("pointsDuplicate") + of("pointsFaulty") + of("pointsBaseline");
  expect([of("pointsRefused"), seen + of("pointsIgnored") + flagged]).toEqual([rejected, counted + ignored]);
}

/** Also counts points without a recorded value: they are admitted and say nothing. */
class CountingInspection extends RequestInspection {
  flagged = 0;

  constructor() {
    super(1, { receivedAtMillis: RECEIVED_MILLIS, deltaMaxAgeMillis: AGE, fromBridge: false });
  }

  override point(point: Parameters<RequestInspection["point"]>[0]): void {
    const before = this.rejectedPoints;
    super.point(point);
    if ((point.flags & 1) !== 0 && this.rejectedPoints === before) this.flagged += 1;
  }
}

test("on mutated bodies", { timeout: 240_000 + MUTATIONS }, async () => {
  for (let done = 0; done < MUTATIONS; done += PER_COMMIT) {
    const seed = SEED + done;
    try {
      await batch(seed);
    } catch (error) {
      throw new Error(`run it again with FUZZ_SEED=${seed} FUZZ_MUTATIONS=${PER_COMMIT}`, { cause: error });
    }
  }
  expect(admitted).toBeGreaterThan(MUTATIONS / 100);
  expect(refused).toBeGreaterThan(MUTATIONS / 100);
});
