/**
 * Every batch and every answer of a run, and what must therefore be stored: what was acknowledged, once.
 */
import type { Amounts, Batch, PointRecord } from "./service-batches.ts";
import { SOME_BUCKET, TABLES, Totals } from "./totals.ts";

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
  /** What must be stored though the only copy of other things went: all that was acknowledged while nothing was at risk. */
  readonly kept: Totals = new Totals();
  /** Whether what is acknowledged now may be lost: some store has it that may be gone before another has it too. */
  atRisk = false;
  /** Acknowledged while it was at risk. */
  batchesAtRisk = 0;
  pointsAtRisk = 0;
  acknowledgedBatches = 0;
  acknowledgedPoints = 0;
  refusedPoints = 0;
  /** Attempts by `2xx`, `503` and so on, and `broken`. */
  readonly answers: Map<string, number> = new Map();
  readonly #streams = new Map<string, Amounts>();

  /** Notes an attempt and its answer. */
  note(batch: Pick<Batch, "name">, answer: Answer): void {
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
  acknowledge(batch: Pick<Batch, "name" | "points">, rejectedPoints: number): void {
    const deltas = batch.points.filter(({ temporality }) => temporality === "delta").length;
    if (![0, deltas, batch.points.length].includes(rejectedPoints)) {
      throw new Error(`${batch.name}: ${rejectedPoints} points refused of ${batch.points.length} (${deltas} deltas)`);
    }
    this.acknowledgedBatches++;
    if (this.atRisk) this.batchesAtRisk++;
    this.refusedPoints += rejectedPoints;
    if (rejectedPoints === batch.points.length) return;
    for (const point of batch.points) {
      if (point.temporality === "delta") {
        if (rejectedPoints === 0) this.#add(point, {});
      } else {
        this.#add(point, this.#streams.get(point.stream) ?? {});
        this.#streams.set(point.stream, point.amounts);
      }
    }
  }

  #add({ series, timeMillis, amounts }: PointRecord, before: Amounts): void {
    this.acknowledgedPoints++;
    if (this.atRisk) this.pointsAtRisk++;
    this.#addTo("receiver_minute|0|all", "points", 1n);
    for (const [column, amount] of Object.entries(amounts)) {
      const step = amount - (before[column] ?? 0n);
      for (const [table, seconds] of Object.entries(TABLES)) {
        this.#addTo(`${table}|${bucketOf(timeMillis, seconds)}|${series}`, column, step);
      }
      this.#addLatency(series, timeMillis, column, step);
    }
  }

  #addTo(row: string, column: string, amount: bigint): void {
    this.acknowledged.add(row, column, amount);
    if (!this.atRisk) this.kept.add(row, column, amount);
  }

  /** The two tables that hold latencies by service. */
  #addLatency(series: string, timeMillis: number | undefined, column: string, step: bigint): void {
    if (!column.startsWith("bucket:") && column !== "latency_count" && column !== "latency_sum_seconds") return;
    const service = series.slice(0, series.indexOf("|"));
    for (const [table, seconds] of [
      ["service_latency_minute", 60],
      ["service_latency_hourly", 3600],
    ] as const) {
      this.#addTo(`${table}|${bucketOf(timeMillis, seconds)}|${service}`, column, step);
    }
  }
}

function bucketOf(timeMillis: number | undefined, seconds: number): string {
  return timeMillis === undefined ? SOME_BUCKET : String(Math.floor(timeMillis / 1000 / seconds) * seconds);
}
