/**
 * Mutated requests against a running receiver: only answers that the OTLP specification has for bad input, the process
 * lives, and what good senders send in between is stored to the byte. `FUZZ_MUTATIONS` and `FUZZ_SEED` as for the walks.
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { HostileReceiver } from "./hostile-receiver.ts";
import { mutated, type RandomBelow, seededRandom } from "./mutations.ts";
import { jsonSeeds, protobufSeeds } from "./seed-bodies.ts";

const MUTATIONS = Number(process.env["FUZZ_MUTATIONS"] ?? 3000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** What a bad request may be answered; 200 when it is not bad after all. */
const ANSWERS = new Set([200, 400, 413, 415]);
const BETWEEN_GOOD_BATCHES = 100;
const TYPES = ["application/x-protobuf", "application/json", "text/plain", ""];
const ENCODINGS = ["identity", "gzip", "zstd", "br", ""];

interface Mutant {
  readonly body: Buffer;
  readonly contentType: string;
  readonly encoding: string;
}

function mutant(random: RandomBelow, { start, time }: ReturnType<HostileReceiver["times"]>): Mutant {
  const isJson = random(4) === 0;
  const seeds = isJson ? jsonSeeds(start, time) : protobufSeeds(start, time);
  const body = mutated(seeds[random(seeds.length)]!, seeds, random);
  const packing = random(6);
  const encoding = packing === 0 ? "gzip" : packing === 1 ? "zstd" : "identity";
  const packed = encoding === "gzip" ? gzipSync(body) : encoding === "zstd" ? zstdCompressSync(body) : body;
  return {
    // Half of the compressed ones are changed once more, so that the compression is broken, too.
    body: encoding !== "identity" && random(2) === 0 ? mutated(packed, [packed], random) : packed,
    contentType: random(30) === 0 ? TYPES[random(TYPES.length)]! : TYPES[isJson ? 1 : 0]!,
    encoding: random(30) === 0 ? ENCODINGS[random(ENCODINGS.length)]! : encoding,
  };
}

test("mutated requests do not disturb a receiver", { timeout: 240_000 + 20 * MUTATIONS }, async () => {
  const receiver = await HostileReceiver.start();
  const answers = new Map<number, number>();
  for (let index = 0; index < MUTATIONS; index += 1) {
    const seed = SEED + index;
    const { body, contentType, encoding } = mutant(seededRandom(seed), receiver.times());
    const { status } = await receiver.send(body, contentType, encoding);
    if (!ANSWERS.has(status)) {
      throw new Error(`answered ${status}; run it again with FUZZ_SEED=${seed} FUZZ_MUTATIONS=1`);
    }
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (index % BETWEEN_GOOD_BATCHES === 0) await receiver.sendGood();
  }
  const peak = Math.round(receiver.expectModest() / 2 ** 20);
  process.stdout.write(`seed ${SEED}: ${JSON.stringify(Object.fromEntries(answers))}, peak ${peak} MiB\n`);
  await expect.poll(() => receiver.bytesOf("good"), { timeout: 60_000 }).toBe(receiver.goodTotal);
  expect(receiver.query("SELECT reason FROM ingest_quarantine")).toEqual([]);
  expect(await receiver.stop()).toBe("");
});
