/**
 * Erases a person from the totals, beside running receivers: first it is noted, so that nothing to come brings the name back,
 * then series after series goes, each in a transaction of its own. Ended anywhere, it can be begun again.
 */
import { messageOf, retryable, success, type Result } from "../model/result.ts";
import { fitErased, type ErasedParticipant } from "../model/erased-participant.ts";
import {
  countRows,
  eraseSeries,
  findSeries,
  noteErased,
  type ErasureDialect,
  type ErasureSteps,
  type NamedSeries,
  type RowsByTable,
} from "./erase-series.ts";
import { explainFault, MysqlDatabase, type MysqlOptions } from "./mysql-database.ts";
import type { MysqlSession } from "./mysql-session.ts";
import { sqliteColumn } from "./sqlite-commit.ts";
import { SqliteSession, type SqliteSessionOptions } from "./sqlite-session.ts";

/** What is to be erased. */
export interface ErasureRequest extends ErasedParticipant {
  /** Epoch seconds. */
  readonly nowSeconds: number;
  /** Only counts what would be erased. */
  readonly isDryRun: boolean;
}

/** A series that was erased, or would be, with its rows. */
export interface ErasedSeries extends NamedSeries {
  readonly rows: RowsByTable;
}

/** What was erased. */
export interface ErasureReport {
  readonly series: readonly ErasedSeries[];
  /** Metrics in quarantine that hold the id as an attribute's value; they are left for a person to deal with. */
  readonly quarantined: number;
}

/** Runs steps: those of a transaction all or none. */
interface ErasureRunner {
  run<T>(steps: ErasureSteps<T>): Promise<T>;
  transaction<T>(steps: ErasureSteps<T>): Promise<T>;
}

/** Erases from MySQL or MariaDB. Retryable `unavailable` with what is in the way; what was erased before stays erased. */
export async function eraseFromMysql(options: MysqlOptions, request: ErasureRequest): Promise<Result<ErasureReport>> {
  const database = new MysqlDatabase({
    statementTimeoutMillis: 120_000,
    lockWaitSeconds: 60,
    ...options,
    connectionLimit: 1,
  });
  try {
    return success(await database.withSession((session) => erase(mysqlRunner(session), MYSQL, request)));
  } catch (error) {
    return retryable("unavailable", explainFault(error, options.url));
  } finally {
    await database.close();
  }
}

/** Erases from a SQLite file that exists. Retryable `unavailable` with what is in the way; what was erased before stays erased. */
export async function eraseFromSqlite(
  options: SqliteSessionOptions,
  request: ErasureRequest,
): Promise<Result<ErasureReport>> {
  let session: SqliteSession | undefined;
  try {
    session = new SqliteSession(options);
    return success(await erase(sqliteRunner(session), SQLITE, request));
  } catch (error) {
    return retryable("unavailable", `SQLite: ${messageOf(error)}`);
  } finally {
    session?.close();
  }
}

async function erase(runner: ErasureRunner, dialect: ErasureDialect, request: ErasureRequest): Promise<ErasureReport> {
  const erased = fitErased(request);
  if (!request.isDryRun) await runner.transaction(noteErased(dialect, erased, request.nowSeconds));
  const series: ErasedSeries[] = [];
  for (const one of await runner.run(findSeries(erased))) {
    const rows = request.isDryRun
      ? await runner.run(countRows(one))
      : await runner.transaction(eraseSeries(dialect, one));
    series.push({ ...one, rows });
  }
  return { series, quarantined: await runner.run(countQuarantined(erased.participantId)) };
}

function* countQuarantined(participantId: string): ErasureSteps<number> {
  const sql = "SELECT COUNT(*) AS found FROM ingest_quarantine WHERE INSTR(payload, ?) > 0";
  const rows = yield { sql, values: [stringValue(participantId)], reads: true };
  return Number(rows[0]?.["found"] ?? 0);
}

/** An OTLP `AnyValue` that is this text, as it lies in a protobuf body: its id is 1, its length takes up to two bytes. */
function stringValue(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Uint8Array.of(0x0a, ...length), bytes]);
}

const MYSQL: ErasureDialect = {
  columnName: ({ name }) => name,
  lockOffsets: "SELECT shard FROM ingest_offset ORDER BY shard FOR UPDATE",
  onDuplicate: (_, assignments) =>
    `ON DUPLICATE KEY UPDATE ${assignments.map(([column, value]) => `${column} = ${value(`VALUES(${column})`)}`).join(", ")}`,
};

const SQLITE: ErasureDialect = {
  columnName: sqliteColumn,
  lockOffsets: undefined,
  onDuplicate: (keys, assignments) =>
    `ON CONFLICT (${keys.join(", ")}) DO UPDATE SET ${assignments
      .map(([column, value]) => `${column} = ${value(`excluded.${column}`)}`)
      .join(", ")}`,
};

function mysqlRunner(session: MysqlSession): ErasureRunner {
  const run = async <T>(steps: ErasureSteps<T>): Promise<T> => {
    let step = steps.next();
    while (step.done !== true) {
      const { sql, values, reads } = step.value;
      if (reads) step = steps.next(await session.rows(sql, values));
      else {
        await session.run(sql, values);
        step = steps.next([]);
      }
    }
    return step.value;
  };
  return {
    run,
    async transaction<T>(steps: ErasureSteps<T>): Promise<T> {
      const results: T[] = [];
      await session.transaction(async () => {
        results.push(await run(steps));
        return true;
      });
      return results[0]!;
    },
  };
}

function sqliteRunner(session: SqliteSession): ErasureRunner {
  const run = <T>(steps: ErasureSteps<T>): T => {
    let step = steps.next();
    while (step.done !== true) {
      const { sql, values, reads } = step.value;
      if (reads) step = steps.next(session.all(sql, values));
      else {
        session.run(sql, values);
        step = steps.next([]);
      }
    }
    return step.value;
  };
  return {
    run: async (steps) => run(steps),
    async transaction<T>(steps: ErasureSteps<T>): Promise<T> {
      const results: T[] = [];
      session.transaction(() => {
        results.push(run(steps));
        return true;
      });
      return results[0]!;
    },
  };
}
