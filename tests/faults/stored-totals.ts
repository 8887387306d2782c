/** What is stored, read with plain SQL and not with our own readers. */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { createConnection } from "mysql2/promise";
import { NAMESPACE } from "./service-batches.ts";
import { SOME_BUCKET, TABLES, Totals } from "./totals.ts";

type Row = Readonly<Record<string, unknown>>;
type Query = (sql: string) => Promise<readonly Row[]>;

/** The columns that the senders' metrics add to. */
const COLUMNS: readonly string[] = [
  "latency_count",
  "latency_error_count",
  "request_body_count",
  "request_body_error_count",
  "response_body_count",
  "response_body_error_count",
  "bytes_in",
  "bytes_out",
  "wire_bytes_in",
  "wire_bytes_out",
  "connection_bytes_in",
  "connection_bytes_out",
  "latency_sum_seconds",
  "relay_bytes",
  "packets_in",
  "packets_out",
];

/** The totals of an embedded receiver, running or not. */
export async function sqliteTotals(file: string): Promise<Totals> {
  if (!existsSync(file)) return new Totals();
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return await readTotals(async (sql) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all();
    });
  } finally {
    database.close();
  }
}

/** The totals in a MySQL or MariaDB database. */
export async function mysqlTotals(url: string): Promise<Totals> {
  const connection = await createConnection({
    uri: url,
    supportBigNumbers: true,
    bigNumberStrings: true,
    jsonStrings: true,
  });
  try {
    return await readTotals(async (sql) => (await connection.query(sql))[0] as readonly Row[]);
  } finally {
    await connection.end();
  }
}

async function readTotals(query: Query): Promise<Totals> {
  const totals = new Totals();
  for (const table of Object.keys(TABLES)) {
    const columns = COLUMNS.map((column) => `t.${column}`).join(", ");
    const rows = await query(
      `SELECT s.protocol, s.namespace, s.service, s.method, s.route, s.status_code, s.meeting_id, s.participant_id,
         t.bucket_start, t.latency_histogram, ${columns}
       FROM ${table} t LEFT JOIN series s ON s.series_id = t.series_id`,
    );
    for (const row of rows) addRow(totals, table, row, nameOf(row), COLUMNS);
  }
  for (const table of ["service_latency_minute", "service_latency_hourly"]) {
    const columns = ["latency_count", "latency_sum_seconds"];
    const rows = await query(`SELECT service, bucket_start, latency_histogram, ${columns.join(", ")} FROM ${table}`);
    for (const row of rows) addRow(totals, table, row, String(row["service"]), columns);
  }
  for (const row of await query("SELECT points, points_baseline, points_faulty, quarantined FROM receiver_minute")) {
    for (const [column, value] of Object.entries(row)) totals.add("receiver_minute|0|all", column, exact(value));
  }
  return totals;
}

/** Rows of services that nobody sent, or of no series at all, have names that nothing acknowledged has. */
function nameOf(row: Row): string {
  if (row["protocol"] === "webrtc") return pageSeries(String(row["meeting_id"]), String(row["participant_id"]));
  const service = row["namespace"] === NAMESPACE ? String(row["service"]) : `unknown ${JSON.stringify(row["service"])}`;
  return `${service}|${String(row["method"])}|${String(row["route"])}|${String(row["status_code"])}`;
}

/** The name of a participant's series. */
export function pageSeries(meeting: string, participant: string): string {
  return `page|${meeting}|${participant}`;
}

function addRow(totals: Totals, table: string, row: Row, name: string, columns: readonly string[]): void {
  const bucket = row["protocol"] === "webrtc" ? SOME_BUCKET : String(row["bucket_start"]);
  const key = `${table}|${bucket}|${name}`;
  for (const column of columns) {
    totals.add(key, column, column === "latency_sum_seconds" ? dyadic(row[column]) : exact(row[column]));
  }
  for (const [index, count] of JSON.parse(String(row["latency_histogram"])) as [number, number][]) {
    totals.add(key, `bucket:${index}`, BigInt(count));
  }
}

function exact(value: unknown): bigint {
  return BigInt(value as bigint | string | number);
}

/** Seconds as 1024ths, which is what the senders count in; throws where that is not exact. */
function dyadic(value: unknown): bigint {
  return BigInt(Number(value) * 1024);
}
