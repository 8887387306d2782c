/** Erasing a person leaves every total as it was and the name nowhere, beside whoever commits, on each engine. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seriesId, type SeriesDimensions } from "../../src/model/dimensions.ts";
import { ERASED_PARTICIPANT } from "../../src/model/erased-participant.ts";
import { ROLLUP_COLUMNS } from "../../src/model/rollup-columns.ts";
import {
  GRANULARITIES,
  type RollupIncrement,
  type RollupReader,
  type RollupRow,
  type RollupStore,
} from "../../src/model/rollup-store.ts";
import type { Result } from "../../src/model/result.ts";
import type { ErasureReport, ErasureRequest } from "../../src/rollup/erase-participant.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { findSeriesFaults } from "../../src/rollup/series-faults.ts";
import { compareSums, ROLLUP_PAIRS } from "../../src/rollup/sum-differences.ts";
import { webrtcDimensions } from "../support/realtime-figures.ts";
import { rollupValues, shardCommit, TEST_DAY } from "../support/shard-commits.ts";
import { type RollupDatabase, valueOf } from "./rollup-database.ts";
import type { SnapshotDatabase } from "./totals-verification.ts";

/** An engine that a person can be erased from. */
export interface ErasureDatabase extends SnapshotDatabase {
  erase(request: ErasureRequest): Promise<Result<ErasureReport>>;
}

type Store = RollupStore & RollupReader;

/** A participant's minute. */
interface Minute {
  readonly meeting: string;
  readonly participant: string;
  readonly minute: number;
  readonly seed: number;
  /** Absent: that of all others. */
  readonly namespace?: string;
}

const MINUTE = fc.record<Minute>({
  meeting: fc.constantFrom("m", "n", "__erased__", "m "),
  participant: fc.constantFrom("ann", "bob", "Ann", "ann ", "__proto__", ERASED_PARTICIPANT),
  minute: fc.constantFrom(0, 1, 59, 60, 1439, 1440),
  seed: fc.nat(1000),
});

/** Runs the promises of erasing against an engine. */
export function describeParticipantErasure(name: string, makeDatabase: () => Promise<ErasureDatabase>): void {
  describe(`erasing a person from ${name}`, () => {
    let database: ErasureDatabase;
    let world: World;
    beforeEach(async () => {
      database = await makeDatabase();
      valueOf(await migrateUp(database.migrations(), TEST_DAY));
      world = new World(database, await database.openStore());
    });
    afterEach(async () => await database.remove());

    it("adds their rows to a nameless participant of the same meeting, in every table", async () => {
      await world.commit([of("m", "ann", 0, 1), of("m", "ann", 60, 2), of("n", "ann", 0, 3), of("m", "bob", 0, 4)]);
      const before = await world.sums();
      const report = valueOf(await world.erase("ann"));
      const rows = report.series.map(({ dimensions, rows: moved }) => [dimensions.meetingId, moved["metrics_minute"]]);
      expect(Object.fromEntries(rows)).toEqual({ m: 2, n: 1 });
      expect(await world.sums()).toEqual(before);
      expect(await world.people()).toEqual([`m/${ERASED_PARTICIPANT}`, "m/bob", `n/${ERASED_PARTICIPANT}`]);
      await world.isSound();
      // A second person of the same meeting comes on top.
      valueOf(await world.erase("bob"));
      expect(await world.people()).toEqual([`m/${ERASED_PARTICIPANT}`, `n/${ERASED_PARTICIPANT}`]);
      expect(await world.sums()).toEqual(before);
      await world.isSound();
    });

    it("leaves all sums as they were, whatever is stored and whoever goes", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(MINUTE, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 }),
          fc.constantFrom("ann", "bob", "Ann", "ann ", "__proto__"),
          fc.constantFrom(undefined, "m", "n"),
          async (commits, participant, meeting) => {
            await world.clear();
            for (const minutes of commits) await world.commit(minutes);
            const before = await world.sums();
            const people = await world.people();
            valueOf(await world.erase(participant, meeting));
            expect(await world.sums()).toEqual(before);
            const isErased = (person: string): boolean =>
              meeting === undefined ? person.endsWith(`/${participant}`) : person === `${meeting}/${participant}`;
            const nameless = (person: string): string =>
              `${person.slice(0, person.indexOf("/"))}/${ERASED_PARTICIPANT}`;
            expect(await world.people()).toEqual(
              [...new Set(people.map((person) => (isErased(person) ? nameless(person) : person)))].sort(),
            );
            await world.isSound();
            // What was in the log and in the memory of receivers comes after.
            for (const minutes of commits) await world.commit(minutes);
            expect((await world.people()).filter(isErased)).toEqual([]);
            await world.isSound();
          },
        ),
        { numRuns: 12 },
      );
    });

    it("counts what a receiver still holds of them without their name, old series and new", async () => {
      const minutes = [of("m", "ann", 0, 1), of("m", "bob", 0, 2)];
      await world.commit(minutes);
      valueOf(await world.erase("ann"));
      const fresh = new World(database, await database.openStore(), world);
      // This owner has written the series long ago: a commit does not bring it again.
      await world.commit(minutes, []);
      // A new owner brings every series.
      await fresh.commit([...minutes, of("new", "ann", 1, 3)]);
      await fresh.commit([of("new", "ann", 1, 3), of("new", "bob", 1, 3)], ["bob"]);
      expect(await world.people()).toEqual([
        `m/${ERASED_PARTICIPANT}`,
        "m/bob",
        `new/${ERASED_PARTICIPANT}`,
        "new/bob",
      ]);
      const rows = valueOf(await world.store.rows("daily", 0, Number.MAX_SAFE_INTEGER));
      const bytes = (person: string) => rows.find((row) => personOf(row) === person)?.values["bytes_in"];
      const one = BigInt(amounts(1)["bytes_in"]!);
      expect(bytes(`m/${ERASED_PARTICIPANT}`)).toBe(3n * one);
      expect(bytes(`new/${ERASED_PARTICIPANT}`)).toBe(2n * BigInt(amounts(3)["bytes_in"]!));
      await world.isSound();
      // Whoever is erased again has nothing left to erase.
      expect(valueOf(await world.erase("ann")).series).toEqual([]);
    });

    it("of one meeting leaves the others", async () => {
      await world.commit([of("m", "ann", 0, 1), of("n", "ann", 0, 2)]);
      expect(valueOf(await world.erase("ann", "m")).series).toHaveLength(1);
      await world.commit([of("m", "ann", 0, 1), of("n", "ann", 0, 2), of("o", "ann", 0, 2)]);
      expect(await world.people()).toEqual([`m/${ERASED_PARTICIPANT}`, "n/ann", "o/ann"]);
    });

    it("of one namespace leaves another's participant of the same id, and whoever has it in a namespace to come", async () => {
      const inNamespaces = ["a", "b", "", "A", "a "].map((namespace) => ({ ...of("m", "ann", 0, 1), namespace }));
      await world.commit(inNamespaces);
      const before = await world.sums();
      expect(valueOf(await world.erase("ann", undefined, false, "a")).series).toHaveLength(1);
      const others = ["A: m/ann", "a : m/ann", "b: m/ann", ": m/ann"];
      expect(await world.peopleOfNamespaces()).toEqual([`a: m/${ERASED_PARTICIPANT}`, ...others].sort());
      expect(await world.sums()).toEqual(before);
      await world.isSound();
      const later = new World(database, await database.openStore(), world);
      const minutes = [...inNamespaces, { ...of("n", "ann", 0, 1), namespace: "a" }];
      await later.commit([...minutes, { ...of("n", "ann", 0, 1), namespace: "c" }]);
      const erased = [`a: m/${ERASED_PARTICIPANT}`, `a: n/${ERASED_PARTICIPANT}`];
      expect(await world.peopleOfNamespaces()).toEqual([...erased, ...others, "c: n/ann"].sort());
      await world.isSound();
      // Of one meeting, and of those without a namespace.
      expect(valueOf(await world.erase("ann", "m", false, "")).series).toHaveLength(1);
      await later.commit([
        { ...of("m", "ann", 1, 1), namespace: "" },
        { ...of("o", "ann", 1, 1), namespace: "" },
      ]);
      expect(await world.peopleOfNamespaces()).toEqual(
        [...erased, ...others.slice(0, 3), `: m/${ERASED_PARTICIPANT}`, ": o/ann", "c: n/ann"].sort(),
      );
      // And of all of them, those to come too.
      expect(valueOf(await world.erase("ann")).series).toHaveLength(5);
      await later.commit([{ ...of("m", "ann", 0, 1), namespace: "d" }]);
      expect((await world.people()).filter((person) => person.endsWith("/ann"))).toEqual([]);
      await world.isSound();
    });

    it("only counts in a dry run", async () => {
      await world.commit([of("m", "ann", 0, 1), of("m", "ann", 1, 1)]);
      const report = valueOf(await world.erase("ann", undefined, true));
      expect(report.series.map(({ rows }) => rows)).toEqual([
        { metrics_minute: 2, metrics_hourly: 1, metrics_daily: 1 },
      ]);
      expect(await world.people()).toEqual(["m/ann"]);
      await world.commit([of("m", "ann", 0, 1)]);
      expect(await world.people()).toEqual(["m/ann"]);
    });

    it("tells of metrics in quarantine that hold the id", async () => {
      const value = Buffer.from("\u0012\u0005\u000a\u0003ann", "latin1");
      await world.commit([], undefined, [value, Buffer.from("ann"), Buffer.from("\u000a\u0004anna", "latin1")]);
      expect(valueOf(await world.erase("ann")).quarantined).toBe(1);
    });

    it("goes on where it was ended", async () => {
      await world.commit([of("m", "ann", 0, 1), of("n", "ann", 0, 2)]);
      const before = await world.sums();
      // The first try gets as far as the offsets, which somebody holds.
      const lock = "UPDATE ingest_offset SET persisted_at = persisted_at";
      const refused = await database.whileLocked(lock, () => world.erase("ann"));
      expect(refused).toMatchObject({ kind: "retryable", code: "unavailable" });
      expect(await world.people()).toEqual(["m/ann", "n/ann"]);
      valueOf(await world.erase("ann"));
      expect(await world.people()).toEqual([`m/${ERASED_PARTICIPANT}`, `n/${ERASED_PARTICIPANT}`]);
      expect(await world.sums()).toEqual(before);
    });

    it("loses nothing of a load beside it", async () => {
      let committed = 0;
      const ending = new AbortController();
      const load = async (): Promise<void> => {
        while (!ending.signal.aborted) {
          await world.commit([of("m", "ann", 0, 1), of("m", "bob", 0, 1)], committed === 0 ? undefined : []);
          committed += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const loading = load();
      await expect.poll(() => committed, { interval: 1 }).toBeGreaterThan(2);
      valueOf(await world.erase("ann"));
      const after = committed;
      await expect.poll(() => committed, { interval: 1 }).toBeGreaterThan(after + 2);
      ending.abort();
      await loading;
      const rows = valueOf(await world.store.rows("minute", 0, Number.MAX_SAFE_INTEGER));
      const total = BigInt(committed) * BigInt(amounts(1)["bytes_in"]!);
      expect(rows.map((row) => [personOf(row), row.values["bytes_in"]])).toEqual(
        expect.arrayContaining([
          [`m/${ERASED_PARTICIPANT}`, total],
          ["m/bob", total],
        ]),
      );
      expect(rows).toHaveLength(2);
      await world.isSound();
    });
  });
}

function of(meeting: string, participant: string, minute: number, seed: number): Minute {
  return { meeting, participant, minute, seed };
}

/** Every column gets another amount; doubles are sums of halves, so that their order does not matter. */
function amounts(seed: number): Record<string, number> {
  return Object.fromEntries(
    ROLLUP_COLUMNS.map(({ name, kind }, at) => [name, kind === "seconds" ? (seed + at) / 2 : 2 ** 48 + seed * 64 + at]),
  );
}

function personOf({ dimensions }: RollupRow): string {
  return `${dimensions.meetingId}/${dimensions.participantId}`;
}

/** Commits, erasures and sums of one database. */
class World {
  readonly #database: ErasureDatabase & RollupDatabase;
  store: Store;
  readonly #offset: { id: number };

  constructor(database: ErasureDatabase, store: Store, other?: World) {
    this.#database = database;
    this.store = store;
    this.#offset = other === undefined ? { id: 0 } : other.#offset;
  }

  /** Commits minutes; `brought`: the participants whose series come with it, by default all. */
  async commit(
    minutes: readonly Minute[],
    brought?: readonly string[],
    quarantine: readonly Buffer[] = [],
  ): Promise<void> {
    valueOf(await this.store.offset(0));
    const increments = minutes.map((one) => incrementOf(one));
    const longer = (seconds: number): RollupIncrement[] =>
      increments.map((one) => ({ ...one, bucketStart: one.bucketStart - (one.bucketStart % seconds) }));
    const people = new Map<bigint, SeriesDimensions>();
    for (const minute of minutes) {
      if (brought !== undefined && !brought.includes(minute.participant)) continue;
      const dimensions = dimensionsOf(minute);
      people.set(seriesId(dimensions), dimensions);
    }
    const from = this.#offset.id;
    valueOf(
      await this.store.commit(
        shardCommit(`${from}-0`, `${from + 1}-0`, {
          series: [...people].map(([id, dimensions]) => ({ seriesId: id, dimensions })),
          rollups: { minute: increments, hourly: longer(3600), daily: longer(86_400) },
          quarantine: quarantine.map((payload) => ({ logId: "1-0", receivedAt: TEST_DAY, reason: "r", payload })),
        }),
      ),
    );
    this.#offset.id += 1;
  }

  erase(
    participantId: string,
    meetingId?: string,
    isDryRun = false,
    namespace?: string,
  ): Promise<Result<ErasureReport>> {
    const where = {
      ...(meetingId === undefined ? {} : { meetingId }),
      ...(namespace === undefined ? {} : { namespace }),
    };
    return this.#database.erase({ participantId, ...where, isDryRun, nowSeconds: TEST_DAY });
  }

  /** Everything of the property's last run goes, but for the offset. */
  async clear(): Promise<void> {
    const tables = ["erased_participants", "erased_series", "series", ...GRANULARITIES.map(({ table }) => table)];
    for (const table of tables) await this.#database.query(`DELETE FROM ${table}`);
    // What was erased is remembered by a store for as long as it lives.
    await this.store.close();
    this.store = await this.#database.openStore();
  }

  /** The sum of every column of every table, and of the histograms' buckets. */
  async sums(): Promise<Record<string, string>> {
    const sums: Record<string, string> = {};
    for (const { name, table } of GRANULARITIES) {
      const rows = valueOf(await this.store.rows(name, 0, Number.MAX_SAFE_INTEGER));
      for (const column of ROLLUP_COLUMNS) {
        const values = rows.map(({ values: all }) => all[column.name]!);
        sums[`${table}.${column.name}`] =
          column.kind === "seconds"
            ? String(values.reduce((sum: number, value) => sum + Number(value), 0))
            : String(values.reduce((sum: bigint, value) => sum + BigInt(value), 0n));
      }
      for (const { latency } of rows) {
        for (const [index, count] of latency) {
          const key = `${table} bucket ${index}`;
          sums[key] = String(Number(sums[key] ?? 0) + count);
        }
      }
    }
    return sums;
  }

  /** Whoever has rows, or is in `series`. */
  async people(): Promise<readonly string[]> {
    const rows = await this.#database.query("SELECT meeting_id, participant_id FROM series");
    const named = rows.map((row) => `${String(row["meeting_id"])}/${String(row["participant_id"])}`);
    return [...new Set(named)].sort();
  }

  /** The same with the namespace before it. */
  async peopleOfNamespaces(): Promise<readonly string[]> {
    const rows = await this.#database.query("SELECT namespace, meeting_id, participant_id FROM series");
    return rows
      .map((row) => `${String(row["namespace"])}: ${String(row["meeting_id"])}/${String(row["participant_id"])}`)
      .sort();
  }

  /** What `verify` would find. */
  async isSound(): Promise<void> {
    valueOf(
      await this.#database.snapshot(async (snapshot) => {
        const { missing, changed } = await findSeriesFaults(snapshot, 5);
        expect({ missing, changed }).toEqual({ missing: 0, changed: 0 });
        for (const pair of ROLLUP_PAIRS) {
          expect((await compareSums(snapshot, pair, 0, 5)).first).toEqual([]);
        }
      }),
    );
  }
}

function dimensionsOf({ meeting, participant, namespace }: Minute): SeriesDimensions {
  const dimensions = webrtcDimensions(meeting, participant);
  return namespace === undefined ? dimensions : { ...dimensions, namespace };
}

function incrementOf(one: Minute): RollupIncrement {
  const { minute, seed } = one;
  return {
    seriesId: seriesId(dimensionsOf(one)),
    bucketStart: TEST_DAY + minute * 60,
    values: rollupValues(amounts(seed)),
    carry: [],
    latency: new Map(
      seed % 3 === 0
        ? []
        : [
            [-100 + (seed % 5), 1 + (seed % 7)],
            [minute % 4, 2],
          ],
    ),
  };
}
