/**
 * Loaded with `--import` into an embedded receiver under test: ends the process, as `kill -9` would, at a chosen call of
 * SQLite. The query of its own address says which: `at`, and `skip`, how many such calls go well before.
 */
import { DatabaseSync, type SQLInputValue, type StatementResultingChanges, StatementSync } from "node:sqlite";

/** The moments, around the three writes that exactness hangs on. */
type Moment = "before append" | "after append" | "before commit" | "after commit" | "before trim" | "after trim";

const { searchParams } = new URL(import.meta.url);
const wanted = searchParams.get("at");
let left = Number(searchParams.get("skip"));

function reached(moment: Moment): void {
  if (moment !== wanted) return;
  if (left-- > 0) return;
  process.kill(process.pid, "SIGKILL");
  // The signal may take a moment; nothing else may happen meanwhile.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  const file = sql === "COMMIT" ? (this.location() ?? "") : "";
  const write = file.endsWith("ingest-log.db") ? "append" : file.endsWith("bandwidth.db") ? "commit" : undefined;
  if (write !== undefined) reached(`before ${write}`);
  exec.call(this, sql);
  if (write !== undefined) reached(`after ${write}`);
};

type Run = (this: StatementSync, ...values: SQLInputValue[]) => StatementResultingChanges;

const run = StatementSync.prototype.run as Run;
const watchedRun: Run = function (...values) {
  const trims = this.sourceSQL.startsWith("DELETE FROM ingest_log ");
  if (trims) reached("before trim");
  const changes = run.apply(this, values);
  if (trims) reached("after trim");
  return changes;
};
StatementSync.prototype.run = watchedRun as typeof StatementSync.prototype.run;
