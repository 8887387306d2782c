/**
 * What must hold in a simulation: keeps its own books of what was appended, lost, acknowledged and stored, and compares.
 * A promise that is broken is reported once, in words; nothing is thrown into the code under test.
 */
import type { LogEntry, LogEntryInput } from "../../src/model/ingest-log.ts";
import type { ReceiverCounts } from "../../src/model/rollup-store.ts";
import { entryContents, seriesName } from "./entry-contents.ts";
import type { LostEntries } from "./log-server.ts";
import { entryNumber } from "./log-model.ts";
import { SeriesBits, countsOnce } from "./series-bits.ts";
import type { TotalsModel } from "./totals-model.ts";

interface EntryRecord {
  readonly shard: number;
  readonly number: number;
  readonly input: LogEntryInput;
  /** Taken by a fault before it was in the totals. */
  lost: boolean;
}

/** The books of one run. */
export class Accounting {
  /** What was acknowledged to senders. */
  readonly acknowledged: SeriesBits = new SeriesBits();
  readonly #totals: () => TotalsModel;
  readonly #fail: (reason: string) => void;
  readonly #records = new Map<LogEntry, EntryRecord>();
  readonly #given = new Set<string>();
  /** What some entry told of, lost or not. */
  readonly #appended = new SeriesBits();
  readonly #numbersMissing = new Set<number>();
  #stored = new Map<string, bigint>();
  #anyLost = false;

  constructor(totals: () => TotalsModel, fail: (reason: string) => void) {
    this.#totals = totals;
    this.#fail = fail;
  }

  /** An entry was appended; `opening` names that of the log. `isLost`: to a server that is not the right one any more. */
  appended(shard: number, opening: string, entry: LogEntry, isLost: boolean): void {
    const number = entryNumber(entry.id);
    const name = `${shard}/${opening}/${number}`;
    if (this.#given.has(name)) this.#fail(`entry ${name} (shard, opening, number) was given twice`);
    this.#given.add(name);
    const lastId = this.#totals().lastIdOf(shard);
    if (!isLost && number <= entryNumber(lastId)) {
      this.#fail(`entry ${name} was acknowledged behind the totals, which are at ${lastId}`);
    }
    this.#records.set(entry, { shard, number, input: entry, lost: isLost });
    this.#anyLost ||= isLost;
    for (const [series, increments] of entryContents(entry).increments) this.#appended.include(series, increments);
  }

  /** A fault took entries; those that are in the totals already do not matter. `numbers`: their numbers will not come again. */
  lost(taken: readonly LostEntries[], numbers: boolean): void {
    for (const { shard, entries } of taken) {
      if (numbers) this.#numbersMissing.add(shard);
      for (const entry of entries) {
        const record = this.#records.get(entry);
        if (record === undefined || record.number <= this.#offsetOf(shard)) continue;
        record.lost = true;
        this.#anyLost = true;
      }
    }
  }

  /** Entries were trimmed from the right server. */
  trimmed(shard: number, entries: readonly LogEntry[]): void {
    for (const { id } of entries) {
      if (entryNumber(id) > this.#offsetOf(shard)) this.#fail(`entry ${id} of shard ${shard} was trimmed uncommitted`);
    }
  }

  /** A sender got a 2xx for points of these increments. */
  accepted(increments: Iterable<readonly [series: string, increments: bigint]>): void {
    for (const [series, bits] of increments) {
      if ((bits & ~this.#appended.of(series)) !== 0n) this.#fail(`${series}: a 2xx before anything was in a log`);
      this.acknowledged.include(series, bits);
    }
  }

  /** Something was committed: checks what must hold at any moment. */
  committed(shard: number): void {
    const sums = this.#sums("minute");
    for (const [series, sum] of sums) {
      if (!countsOnce(sum)) this.#fail(`${series}: counted more than once: ${sum.toString(4)} in base four`);
      else if ((sum & ~this.#appended.of(series)) !== 0n) this.#fail(`${series}: stored what nobody appended`);
      if (sum < (this.#stored.get(series) ?? 0n)) this.#fail(`${series}: its total fell`);
    }
    this.#stored = sums;
    const folded = this.#totals().received.get(shard)?.entries ?? 0;
    if (!this.#numbersMissing.has(shard) && folded !== this.#offsetOf(shard)) {
      this.#fail(`shard ${shard} is at entry ${this.#offsetOf(shard)} and has folded ${folded}`);
    }
  }

  /** The database was replaced by an older copy. True: entries that it lacks are nowhere any more. */
  restored(held: readonly ReadonlySet<LogEntry>[]): boolean {
    this.#stored = this.#sums("minute");
    const offsets = new Map<number, number>();
    for (const [shard] of held.entries()) {
      offsets.set(shard, this.#offsetOf(shard));
      // What was committed in between may be of a server that is not there any more.
      this.#numbersMissing.add(shard);
    }
    let isGap = false;
    for (const [entry, { shard, number, lost }] of this.#records) {
      if (lost || number <= offsets.get(shard)! || held[shard]!.has(entry)) continue;
      isGap = true;
    }
    return isGap;
  }

  /** Everything has come to rest: checks that nothing is missing but what was lost, and that all points are accounted for. */
  settled(): void {
    const minute = this.#sums("minute");
    for (const granularity of ["hourly", "daily"] as const) {
      const other = this.#sums(granularity);
      for (const [series, sum] of minute) {
        if (other.get(series) !== sum) this.#fail(`${series}: ${granularity} and minute totals do not agree`);
      }
    }
    const required = new SeriesBits();
    for (const { input, lost } of this.#records.values()) {
      if (lost) continue;
      for (const [series, increments] of entryContents(input).increments) required.include(series, increments);
    }
    for (const series of this.#appended.names()) {
      const missing = required.of(series) & ~(minute.get(series) ?? 0n);
      if (missing !== 0n) this.#fail(`${series}: missing ${missing.toString(4)} (base four) of what the logs kept`);
    }
    if (!this.#anyLost) {
      for (const series of this.acknowledged.names()) {
        const missing = this.acknowledged.of(series) & ~(minute.get(series) ?? 0n);
        if (missing !== 0n)
          this.#fail(`${series}: missing ${missing.toString(4)} (base four) of what was acknowledged`);
      }
    }
    this.#countPoints();
  }

  #countPoints(): void {
    let [kept, all, counted] = [0, 0, 0];
    for (const { input, lost } of this.#records.values()) {
      const { points } = entryContents(input);
      all += points;
      if (!lost) kept += points;
    }
    for (const counts of this.#totals().received.values()) counted += pointsOf(counts);
    if (counted < kept || counted > all) {
      this.#fail(`${counted} points are accounted for, of ${kept} kept and ${all} appended`);
    }
  }

  #offsetOf(shard: number): number {
    return entryNumber(this.#totals().lastIdOf(shard));
  }

  #sums(granularity: "minute" | "hourly" | "daily"): Map<string, bigint> {
    const { rows, series } = this.#totals();
    const sums = new Map<string, bigint>();
    for (const { seriesId, values } of rows[granularity].values()) {
      const { service, route } = series.get(seriesId)!;
      const name = seriesName(service, route);
      for (const value of values.values()) sums.set(name, (sums.get(name) ?? 0n) + BigInt(value));
    }
    return sums;
  }
}

function pointsOf(counts: ReceiverCounts): number {
  const { points, pointsDuplicate, pointsBaseline, pointsFaulty, pointsRefused, pointsIgnored } = counts;
  return points + pointsDuplicate + pointsBaseline + pointsFaulty + pointsRefused + pointsIgnored;
}
