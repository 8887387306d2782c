/** Random traces of appends, trims, reads and restarts, against a plain list: part of the suite of every ingest log. */
import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { compareLogIds } from "../../src/model/log-id.ts";
import { LOG_START } from "../../src/model/ingest-log.ts";
import type { IngestLog, LogLimits } from "../../src/model/ingest-log.ts";
import { logEntry, valueOf } from "../support/log-entries.ts";
import type { OpenLog } from "./ingest-log.ts";

interface ModelEntry {
  readonly id: string;
  readonly size: number;
}

type Step =
  | { readonly do: "append"; readonly size: number }
  | { readonly do: "trim" | "read"; readonly at: number; readonly limit: number }
  | { readonly do: "reopen" };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), size: fc.nat(120) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("trim" as const, "read" as const),
      at: fc.nat(12),
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);

/** Declares the property. */
export function ingestLogTraces(open: OpenLog): void {
  it("does what a plain list would do, over random traces", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { minLength: 1, maxLength: 30 }), async (steps) => {
        const bounds = { maxEntries: 8, maxBytes: 400 };
        const underTest = await open(bounds);
        let log = underTest.log;
        const model = new ListModel(bounds);
        for (const step of steps) {
          if (step.do === "reopen") log = await underTest.reopen();
          else await compareStep(log, model, step);
          expect(valueOf(await log.status())).toMatchObject(model.status());
        }
      }),
      { numRuns: 25 },
    );
  });
}

async function compareStep(log: IngestLog, model: ListModel, step: Exclude<Step, { do: "reopen" }>): Promise<void> {
  if (step.do === "append") {
    const result = await log.append(logEntry({ body: randomBytes(step.size) }));
    expect(result.kind).toBe(model.fits(step.size) ? "success" : "retryable");
    if (result.kind === "success") model.append({ id: result.value.id, size: step.size });
    return;
  }
  const id = model.given[step.at] ?? LOG_START;
  if (step.do === "trim") {
    valueOf(await log.trim(id));
    model.trim(id);
    return;
  }
  const entries = valueOf(await log.read(id, step.limit));
  expect(entries.map((entry) => ({ id: entry.id, size: entry.body.length }))).toEqual(model.read(id, step.limit));
}

/** The plain list that logs are compared with. */
class ListModel {
  /** Every id ever given, oldest first. */
  readonly given: string[] = [];
  readonly #limits: LogLimits;
  #held: ModelEntry[] = [];

  constructor(bounds: LogLimits) {
    this.#limits = bounds;
  }

  fits(size: number): boolean {
    return this.#held.length < this.#limits.maxEntries && this.#bytes() + size <= this.#limits.maxBytes;
  }

  append(entry: ModelEntry): void {
    expect(compareLogIds(entry.id, this.given.at(-1) ?? LOG_START)).toBeGreaterThan(0);
    this.given.push(entry.id);
    this.#held.push(entry);
  }

  trim(throughId: string): void {
    this.#held = this.#held.filter((entry) => compareLogIds(entry.id, throughId) > 0);
  }

  read(afterId: string, limit: number): readonly ModelEntry[] {
    return this.#held.filter((entry) => compareLogIds(entry.id, afterId) > 0).slice(0, limit);
  }

  status(): { readonly entries: number; readonly bytes: number; readonly lastId: string } {
    return { entries: this.#held.length, bytes: this.#bytes(), lastId: this.given.at(-1) ?? LOG_START };
  }

  #bytes(): number {
    return this.#held.reduce((total, entry) => total + entry.size, 0);
  }
}
