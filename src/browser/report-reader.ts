/**
 * Main thread: reads one connection's reports. Walking a report is what costs most beside `getStats()` itself, so the ids of
 * the objects that matter are remembered and looked up; a report is walked when something tells that the ids have changed,
 * and every {@link WALK_EVERY_TICKS} reports in any case. Candidates do not change while they are the same: they are read by walks.
 */
import { isStatsType, readEntry } from "./read-entry.ts";
import type { AnyStatsEntry, StatsEntry } from "./stats-entry.ts";

/** The part of `RTCStatsReport` that is used. */
export interface StatsReport {
  readonly size: number;
  get(id: string): unknown;
  forEach(visit: (value: unknown) => void): void;
}

/** After so many reports read by id one is walked, whatever it looks like. */
export const WALK_EVERY_TICKS = 10;

/** Objects of one report that are read at most; what a page makes more of is not measured. */
export const MAX_ENTRIES = 2_000;

/** Reads the reports of one connection, in order. */
export class ReportReader {
  #ids: ReadonlySet<string> = new Set();
  /** Of the last walk. */
  #candidates: ReadonlyMap<string, AnyStatsEntry> = new Map();
  #sizeWhenWalked = -1;
  #ticksSinceWalk = 0;

  /** The whitelisted objects of a report that a calculation needs. */
  read(report: StatsReport): AnyStatsEntry[] {
    return this.#readKnown(report) ?? this.#walk(report);
  }

  /** `undefined` when the known ids are no longer the ones that matter. */
  #readKnown(report: StatsReport): AnyStatsEntry[] | undefined {
    this.#ticksSinceWalk += 1;
    if (report.size !== this.#sizeWhenWalked || this.#ticksSinceWalk >= WALK_EVERY_TICKS) return undefined;
    const entries: AnyStatsEntry[] = [];
    for (const id of this.#ids) {
      const entry = this.#candidates.get(id) ?? readEntry(report.get(id));
      if (entry === undefined || this.#namesAnother(entry, report)) return undefined;
      entries.push(entry);
    }
    return entries;
  }

  #walk(report: StatsReport): AnyStatsEntry[] {
    const all: AnyStatsEntry[] = [];
    report.forEach((raw) => {
      if (all.length >= MAX_ENTRIES || !isStatsType((raw as { type?: unknown } | null)?.type)) return;
      const entry = readEntry(raw);
      if (entry !== undefined) all.push(entry);
    });
    const entries = thoseThatMatter(all);
    this.#ids = new Set(entries.map(({ id }) => id));
    this.#candidates = new Map(entries.filter(isCandidate).map((entry) => [entry.id, entry]));
    this.#sizeWhenWalked = report.size;
    this.#ticksSinceWalk = 0;
    return entries;
  }

  /** Whether an object names one of the report that is not known: another pair was selected, or has another candidate. */
  #namesAnother(entry: AnyStatsEntry, report: StatsReport): boolean {
    if (entry.type === "transport") return this.#isAnother(entry.selectedCandidatePairId, report);
    if (entry.type !== "candidate-pair") return false;
    return this.#isAnother(entry.localCandidateId, report) || this.#isAnother(entry.remoteCandidateId, report);
  }

  #isAnother(id: string | undefined, report: StatsReport): boolean {
    return id !== undefined && !this.#ids.has(id) && report.get(id) !== undefined;
  }
}

function isCandidate({ type }: AnyStatsEntry): boolean {
  return type === "local-candidate" || type === "remote-candidate";
}

/**
 * Leaves out candidate pairs that say nothing, candidates that belong to none of the rest, and sources of sound. A transport
 * that counts bytes and names its pair needs only that one; otherwise every pair that carried something is needed.
 */
function thoseThatMatter(all: readonly AnyStatsEntry[]): AnyStatsEntry[] {
  const named = new Set<string>();
  const counting = new Set<string>();
  for (const entry of all) {
    if (entry.type !== "transport" || entry.selectedCandidatePairId === undefined) continue;
    named.add(entry.selectedCandidatePairId);
    if (entry.bytesSent !== undefined) counting.add(entry.id);
  }
  const candidates = new Set<string | undefined>();
  const kept = all.filter((entry) => {
    if (entry.type === "media-source") return entry.kind !== "audio";
    if (entry.type !== "candidate-pair") return true;
    const matters = named.has(entry.id) || (!counting.has(entry.transportId ?? "") && isUsed(entry));
    if (!matters) return false;
    candidates.add(entry.localCandidateId).add(entry.remoteCandidateId);
    return true;
  });
  return kept.filter((entry) => !isCandidate(entry) || candidates.has(entry.id));
}

function isUsed(pair: StatsEntry<"candidate-pair">): boolean {
  return pair.nominated === true || pair.selected === true || (pair.bytesSent ?? 0) + (pair.bytesReceived ?? 0) > 0;
}
