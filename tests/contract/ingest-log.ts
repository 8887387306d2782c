/** What every ingest log must do, run on each implementation with its real storage. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { compareLogIds } from "../../src/model/log-id.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import type { BodyContentType, BodyEncoding, IngestLog, LogLimits } from "../../src/model/ingest-log.ts";
import { ingestLogOpening } from "./ingest-log-opening.ts";
import { ingestLogTraces } from "./ingest-log-traces.ts";
import { comparable, idOf, logEntry, opened, valueOf } from "../support/log-entries.ts";

/** A log on storage of its own. */
export interface LogUnderTest {
  readonly log: IngestLog;
  /** The same storage, as a restarted process finds it; the log of before is not used again. */
  readonly reopen: () => Promise<IngestLog>;
  close(): Promise<void>;
}

/** Makes an empty log that was never opened. `maxReadBytes` bounds one read. */
export type OpenLog = (limits: LogLimits, maxReadBytes?: number) => Promise<LogUnderTest>;

const WIDE: LogLimits = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 };
const METACHARACTERS = "a b\nc\r\n$*:+-'\"\\{}[]<>&;|`\0é😀{0}\u2028";

/** Declares the suite for one implementation. */
export function ingestLogContract(name: string, openLog: OpenLog): void {
  describe(`${name} as an ingest log`, () => {
    const made: LogUnderTest[] = [];
    const make: OpenLog = async (limits, maxReadBytes) => {
      const log = await openLog(limits, maxReadBytes);
      made.push(log);
      return log;
    };
    const open: OpenLog = async (limits, maxReadBytes) => {
      const { log, reopen, close } = await make(limits, maxReadBytes);
      let generation = 1;
      return { log: await opened(log), reopen: async () => opened(await reopen(), ++generation), close };
    };
    afterEach(async () => {
      for (const log of made.splice(0)) await log.close();
    });

    orderAndBytes(open);
    refusals(open);
    trimming(open);
    ingestLogOpening(make);
    ingestLogTraces(open);
  });
}

function orderAndBytes(open: OpenLog): void {
  it("is empty at first", async () => {
    const { log } = await open(WIDE);
    expect(valueOf(await log.status())).toMatchObject({ entries: 0, bytes: 0, lastId: LOG_START });
    expect(valueOf(await log.read(LOG_START, 10))).toEqual([]);
    expect((await log.writable()).kind).toBe("success");
  });

  it("gives back what was appended, in order, after the id asked for", async () => {
    const { log } = await open(WIDE);
    const inputs = Array.from({ length: 25 }, (_, index) => logEntry({ receivedAtMillis: index }));
    const ids: string[] = [];
    for (const input of inputs) ids.push(idOf(await log.append(input)));
    const entries = valueOf(await log.read(LOG_START, 100));
    expect(entries.map((entry) => entry.id)).toEqual(ids);
    expect(entries.map(comparable)).toEqual(inputs.map(comparable));
    expect(valueOf(await log.read(ids[9]!, 5)).map((entry) => entry.id)).toEqual(ids.slice(10, 15));
    expect(valueOf(await log.read(ids[24]!, 5))).toEqual([]);
  });

  it("gives back exactly the bytes: all byte values, none at all, a megabyte", async () => {
    const { log } = await open(WIDE);
    const bodies = [
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
      Buffer.alloc(0),
      randomBytes(1024 * 1024),
    ];
    for (const body of bodies) valueOf(await log.append(logEntry({ body, bodyHash: new Uint8Array(0) })));
    const entries = valueOf(await log.read(LOG_START, 10));
    expect(entries.map((entry) => Buffer.from(entry.body).equals(bodies[entries.indexOf(entry)]!))).toEqual([
      true,
      true,
      true,
    ]);
    expect(entries.map((entry) => entry.bodyHash.length)).toEqual([0, 0, 0]);
  });

  it("takes a body that is a view into a larger buffer", async () => {
    const { log } = await open(WIDE);
    const body = new Uint8Array(Buffer.from("xxxbodyxxx")).subarray(3, 7);
    valueOf(await log.append(logEntry({ body })));
    expect(Buffer.from(valueOf(await log.read(LOG_START, 1))[0]!.body).toString()).toBe("body");
  });

  it("keeps content type, encoding and identity, whatever characters are in it", async () => {
    const { log } = await open(WIDE);
    const types: readonly BodyContentType[] = ["protobuf", "json"];
    const encodings: readonly BodyEncoding[] = ["identity", "gzip", "zstd"];
    const identities = [
      { meeting: METACHARACTERS, participant: "" },
      { meeting: "", participant: METACHARACTERS },
    ];
    const inputs = types.flatMap((contentType) =>
      encodings.flatMap((encoding) => identities.map((identity) => logEntry({ contentType, encoding, identity }))),
    );
    for (const input of inputs) valueOf(await log.append(input));
    const entries = valueOf(await log.read(LOG_START, 100));
    expect(entries.map(comparable)).toEqual(inputs.map(comparable));
  });

  it("gives concurrent appends distinct ids, and reads them in the order of their ids", async () => {
    const { log } = await open(WIDE);
    const inputs = Array.from({ length: 200 }, () => logEntry());
    const ids = (await Promise.all(inputs.map((input) => log.append(input)))).map(idOf);
    const entries = valueOf(await log.read(LOG_START, 1000));
    const sorted = [...ids].sort(compareLogIds);
    expect(new Set(ids).size).toBe(200);
    expect(entries.map((entry) => entry.id)).toEqual(sorted);
    const keyById = new Map(ids.map((id, index) => [id, comparable(inputs[index]!)]));
    expect(entries.map(comparable)).toEqual(sorted.map((id) => keyById.get(id)));
  });

  it("bounds the bytes of one read, and reads an entry that is larger than the bound alone", async () => {
    const { log } = await open(WIDE, 1000);
    for (let index = 0; index < 40; index += 1) valueOf(await log.append(logEntry({ body: randomBytes(900) })));
    const sizes: number[] = [];
    let after = LOG_START;
    for (;;) {
      const entries = valueOf(await log.read(after, 100));
      if (entries.length === 0) break;
      sizes.push(entries.length);
      after = entries.at(-1)!.id;
    }
    expect(sizes.reduce((total, size) => total + size, 0)).toBe(40);
    // The first read cannot know yet how large bodies are.
    expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(2);
  });
}

function refusals(open: OpenLog): void {
  it("refuses what would pass the number of entries, and takes it after a trim", async () => {
    const { log } = await open({ ...WIDE, maxEntries: 3 });
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.push(idOf(await log.append(logEntry())));
    expect(await log.append(logEntry())).toMatchObject({ kind: "retryable", code: "overloaded" });
    expect(await log.writable()).toMatchObject({ kind: "retryable", code: "overloaded" });
    valueOf(await log.trim(ids[0]!));
    expect((await log.writable()).kind).toBe("success");
    expect((await log.append(logEntry())).kind).toBe("success");
    expect((await log.append(logEntry())).kind).toBe("retryable");
  });

  it("refuses what would pass the bytes, takes what just fits, and counts right after a trim", async () => {
    const { log } = await open({ ...WIDE, maxBytes: 1000 });
    const first = idOf(await log.append(logEntry({ body: randomBytes(600) })));
    expect(await log.append(logEntry({ body: randomBytes(401) }))).toMatchObject({
      kind: "retryable",
      code: "overloaded",
    });
    expect((await log.append(logEntry({ body: randomBytes(400) }))).kind).toBe("success");
    expect(await log.writable()).toMatchObject({ kind: "retryable", code: "overloaded" });
    valueOf(await log.trim(first));
    expect(valueOf(await log.status())).toMatchObject({ entries: 1, bytes: 400 });
    expect((await log.append(logEntry({ body: randomBytes(601) }))).kind).toBe("retryable");
    expect((await log.append(logEntry({ body: randomBytes(600) }))).kind).toBe("success");
  });

  it("refuses for ever what is larger than the whole log", async () => {
    const { log } = await open({ ...WIDE, maxBytes: 1000 });
    expect(await log.append(logEntry({ body: randomBytes(1001) }))).toMatchObject({
      kind: "failure",
      code: "too_large",
    });
  });

  it("never holds more than its limits under concurrent appends", async () => {
    const { log } = await open({ maxEntries: 50, maxBytes: 320 });
    const results = await Promise.all(Array.from({ length: 100 }, () => log.append(logEntry())));
    expect(results.filter((result) => result.kind === "success").length).toBe(10);
    expect(valueOf(await log.status())).toMatchObject({ entries: 10, bytes: 320 });
  });
}

function trimming(open: OpenLog): void {
  it("forgets through the id given and nothing else, however often it is told", async () => {
    const { log } = await open(WIDE);
    const ids: string[] = [];
    for (let index = 0; index < 10; index += 1) ids.push(idOf(await log.append(logEntry())));
    for (const through of [LOG_START, ids[3]!, ids[3]!, ids[1]!]) valueOf(await log.trim(through));
    expect(valueOf(await log.read(LOG_START, 100)).map((entry) => entry.id)).toEqual(ids.slice(4));
    expect(valueOf(await log.status())).toMatchObject({ entries: 6, bytes: 6 * 32, lastId: ids[9] });
  });

  it("forgets a log of many entries", async () => {
    const { log } = await open(WIDE);
    const ids = (await Promise.all(Array.from({ length: 1200 }, () => log.append(logEntry())))).map(idOf);
    const newest = [...ids].sort(compareLogIds).at(-1)!;
    valueOf(await log.trim(newest));
    expect(valueOf(await log.status())).toMatchObject({ entries: 0, bytes: 0, lastId: newest });
  });

  it("remembers its newest id when trimmed to nothing and opened again, and goes on above it", async () => {
    const { log, reopen } = await open(WIDE);
    const last = idOf(await log.append(logEntry()));
    valueOf(await log.trim(last));
    const again = await reopen();
    expect(valueOf(await again.status())).toMatchObject({ entries: 0, bytes: 0, lastId: last });
    const next = idOf(await again.append(logEntry()));
    expect(compareLogIds(next, last)).toBeGreaterThan(0);
    expect(valueOf(await again.read(last, 10)).map((entry) => entry.id)).toEqual([next]);
  });

  it("holds after a restart what it held before, and counts it", async () => {
    const { log, reopen } = await open({ ...WIDE, maxEntries: 3 });
    const inputs = [logEntry(), logEntry(), logEntry()];
    for (const input of inputs) valueOf(await log.append(input));
    const again = await reopen();
    expect(valueOf(await again.read(LOG_START, 10)).map(comparable)).toEqual(inputs.map(comparable));
    expect(valueOf(await again.status())).toMatchObject({ entries: 3, bytes: 96 });
    expect((await again.append(logEntry())).kind).toBe("retryable");
  });
}
