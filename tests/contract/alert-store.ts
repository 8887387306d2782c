/** What a store of alerts promises of its rows, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AlertRow, AlertStore } from "../../src/model/alert-store.ts";
import { type PlainRow, valueOf } from "./rollup-database.ts";

/** A fresh table of alerts, as two receivers see it. */
export interface AlertTable {
  readonly first: AlertStore;
  readonly second: AlertStore;
  /** The rows of `alert_thresholds`, by rule. */
  readonly thresholds: () => Promise<readonly PlainRow[]>;
  readonly remove: () => Promise<void>;
}

const NOW = 1_795_305_600;

function alert(changes: Partial<AlertRow> = {}): AlertRow {
  return {
    rule: "http-error-ratio",
    scope: 'service=cart route="/ä b"',
    startedAt: NOW,
    protocol: "http",
    severity: "critical",
    value: 0.25,
    threshold: 0.05,
    resolvedAt: null,
    ...changes,
  };
}

/** Runs the promises about rows against an implementation. */
export function describeAlertStore(name: string, makeTable: () => Promise<AlertTable>): void {
  describe(`alerts in ${name}`, () => {
    let table: AlertTable;
    let store: AlertStore;
    beforeEach(async () => {
      table = await makeTable();
      store = table.first;
    });
    afterEach(async () => await table.remove());

    const start = async (...started: AlertRow[]): Promise<void> =>
      valueOf(await store.change({ started, updated: [] }));

    it("are read back as they were started, oldest first, as many as asked for", async () => {
      const rows = [
        alert({ scope: "b", startedAt: NOW + 1 }),
        alert(),
        alert({ rule: "turn-cost", startedAt: NOW + 2 }),
      ];
      await start(...rows);
      expect(valueOf(await store.open(10))).toEqual([rows[1], rows[0], rows[2]]);
      expect(valueOf(await store.open(1))).toEqual([rows[1]]);
      expect(valueOf(await store.resolved(0, 10))).toEqual([]);
    });

    it("are started once while they are open, whoever starts them", async () => {
      await start(alert());
      await start(alert({ startedAt: NOW + 60, value: 0.5 }));
      valueOf(await table.second.change({ started: [alert({ startedAt: NOW + 61 })], updated: [] }));
      expect(valueOf(await store.open(10))).toEqual([alert()]);
    });

    it("are started once by two receivers at the same time", async () => {
      await Promise.all(
        [table.first, table.second].map(async (one, index) => {
          const change = { started: [alert({ startedAt: NOW + index })], updated: [] };
          // A deadlock is answered with unavailable: the next evaluation tries again.
          while ((await one.change(change)).kind !== "success");
        }),
      );
      expect(valueOf(await store.open(10))).toHaveLength(1);
    });

    it("take a worse value, and are resolved once", async () => {
      await start(alert(), alert({ scope: "other" }));
      const update = { rule: "http-error-ratio", scope: alert().scope, startedAt: NOW };
      valueOf(await store.change({ started: [], updated: [{ ...update, value: 0.5, resolvedAt: null }] }));
      expect(valueOf(await store.open(10))).toContainEqual(alert({ value: 0.5 }));
      for (const resolvedAt of [NOW + 300, NOW + 400]) {
        valueOf(await table.second.change({ started: [], updated: [{ ...update, value: 0.75, resolvedAt }] }));
      }
      expect(valueOf(await store.open(10))).toEqual([alert({ scope: "other" })]);
      expect(valueOf(await store.resolved(NOW, 10))).toEqual([alert({ value: 0.75, resolvedAt: NOW + 300 })]);
    });

    it("can be started again after they were resolved, also in the same change", async () => {
      await start(alert());
      const resolve = { rule: "http-error-ratio", scope: alert().scope, startedAt: NOW, value: 1, resolvedAt: NOW + 9 };
      const again = alert({ startedAt: NOW + 10 });
      valueOf(await store.change({ started: [again], updated: [resolve] }));
      expect(valueOf(await store.open(10))).toEqual([again]);
    });

    it("that were resolved are listed newest first, from a time on, as many as asked for", async () => {
      const rows = [1, 2, 3, 4].map((step) => alert({ scope: `s${step}`, startedAt: NOW + step }));
      await start(...rows);
      const updated = rows.map(({ rule, scope, startedAt, value }, index) => {
        return { rule, scope, startedAt, value, resolvedAt: NOW + 100 + index };
      });
      valueOf(await store.change({ started: [], updated }));
      const listed = async (since: number, limit: number): Promise<string[]> =>
        valueOf(await store.resolved(since, limit)).map(({ scope }) => scope);
      expect(await listed(NOW + 101, 10)).toEqual(["s4", "s3", "s2"]);
      expect(await listed(0, 2)).toEqual(["s4", "s3"]);
    });

    it("are written by the hundred", async () => {
      const rows = Array.from({ length: 700 }, (_, index) => alert({ scope: `service=s${index}` }));
      await start(...rows);
      expect(valueOf(await store.open(1000))).toHaveLength(700);
      const updated = rows.map((row) => ({ ...row, value: 2, resolvedAt: NOW + 5 }));
      valueOf(await store.change({ started: [], updated }));
      expect(valueOf(await store.open(1000))).toEqual([]);
      expect(valueOf(await store.resolved(0, 1000)).filter(({ value }) => value === 2)).toHaveLength(700);
    });

    it("keep scopes apart that differ only in case or in trailing blanks", async () => {
      await start(alert({ scope: "service=Cart" }), alert({ scope: "service=cart" }));
      expect(valueOf(await store.open(10))).toHaveLength(2);
    });

    it("are compared to thresholds that are replaced as a whole", async () => {
      const threshold = {
        rule: "turn-cost",
        threshold: 1.5,
        protocol: "webrtc",
        severity: "warning",
        windowSeconds: 300,
        minimumSamples: 60,
      } as const;
      valueOf(await store.writeThresholds([threshold, { ...threshold, rule: "gone" }], NOW));
      valueOf(await store.writeThresholds([{ ...threshold, threshold: 2.5 }], NOW + 1));
      const rows = await table.thresholds();
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({ rule: "turn-cost", threshold: 2.5, protocol: "webrtc", severity: "warning" });
    });
  });
}
