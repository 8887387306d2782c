/**
 * Every batch and every answer of a run, and what must therefore be stored: what was acknowledged, once.
 */
import type { Amounts, Batch } from "./service-batches.ts";
import { TABLES, Totals } from "./totals.ts";

/** What became of one attempt to deliver a batch. */
export type Answer =
  | { readonly kind: "answer"; readonly status: number; readonly rejectedPoints: number; readonly retryAfter?: number }
  /** No answer: refused, reset, cut off or too late. Whether the batch arrived is not known. */
  | { readonly kind: "broken"; readonly reason: string };

/** One line of the journal. */
export interface JournalLine {
  readonly atMillis: number;
  readonly batch: string;
  readonly answer: string;
}

/** The journal of one run. */
export class Journal {
  readonly lines: JournalLine[] = [];
  /** What must be stored. */
  readonly acknowledged: Totals = new Totals();
  acknowledgedBatches = 0;
  acknowledgedPoints = 0;
  refusedPoints = 0;
  /** Attempts by `2xx`, `503` and so on, and `broken`. */
  readonly answers: Map<string, number> = new Map();
  readonly #streams = new Map<string, Amounts>();

  /** Notes an attempt and its answer. */
  note(batch: Batch, answer: Answer): void {
    const short = answer.kind === "answer" ? String(answer.status) : "broken";
    this.answers.set(short, (this.answers.get(short) ?? 0) + 1);
    const rejected = answer.kind === "answer" && answer.rejectedPoints > 0 ? ` rejected ${answer.rejectedPoints}` : "";
    const text = answer.kind === "answer" ? `${short}${rejected}` : `broken: ${answer.reason}`;
    this.lines.push({ atMillis: Date.now(), batch: batch.name, answer: text });
  }

  /** Attempts that were not answered with 200. */
  get failedAttempts(): number {
    let failed = 0;
    for (const [answer, count] of this.answers) if (answer !== "200") failed += count;
    return failed;
  }

  /**
   * Counts a batch as acknowledged. Call it once a batch, in the order of its sender. `rejectedPoints`: by
   * `partial_success`; all delta points, or all points, can be, and are then known to be refused, not lost.
   */
  acknowledge(batch: Batch, rejectedPoints: number): void {
    const deltas = batch.points.filter(({ temporality }) => temporality === "delta").length;
    if (![0, deltas, batch.points.length].includes(rejectedPoints)) {
      throw new Error(`${batch.name}: ${rejectedPoints} points refused of ${batch.points.length} (${deltas} deltas)`);
    }
    this.acknowledgedBatches++;
    this.refusedPoints += rejectedPoints;
    if (rejectedPoints === batch.points.length) return;
    for (const { temporality, stream, series, timeMillis, amounts } of batch.points) {
      if (temporality === "delta") {
        if (rejectedPoints === 0) this.#add(series, timeMillis, amounts, {});
      } else {
        this.#add(series, timeMillis, amounts, this.#streams.get(stream) ?? {});
        this.#streams.set(stream, amounts);
      }
    }
  }

  #add(series: string, timeMillis: number, amounts: Amounts, before: Amounts): void {
    this.acknowledgedPoints++;
    this.acknowledged.add("receiver_minute|0|all", "points", 1n);
    for (const [column, amount] of Object.entries(amounts)) {
      const step = amount - (before[column] ?? 0n);
      for (const [table, seconds] of Object.entries(TABLES)) {
        const bucket = Math.floor(timeMillis / 1000 / seconds) * seconds;
        this.acknowledged.add(`${table}|${bucket}|${series}`, column, step);
      }
      this.#addLatency(series, timeMillis, column, step);
    }
  }

  /** The two tables that hold latencies by service. */
  #addLatency(series: string, timeMillis: number, column: string, step: bigint): void {
    if (!column.startsWith("bucket:") && column !== "latency_count" && column !== "latency_sum_seconds") return;
    const service = series.slice(0, series.indexOf("|"));
    for (const [table, seconds] of [
      ["service_latency_minute", 60],
      ["service_latency_hourly", 3600],
    ] as const) {
      const bucket = Math.floor(timeMillis / 1000 / seconds) * seconds;
      this.acknowledged.add(`${table}|${bucket}|${service}`, column, step);
    }
  }
}
