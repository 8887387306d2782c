/** The script that makes Grafana's database user in Compose: it may read what dashboards show, and nothing else. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/run-command.ts";
import { createReceiver } from "../../src/app/receiver.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { composeFile } from "./compose-file.ts";

const GRANTS = join(ROOT, "grafana/sql/grafana-user.sql");
const { environment } = composeFile().services["grafana-user"]!;

describe("grafana-user.sh", { timeout: 60_000 }, () => {
  let sql: SqlServer;
  let url: URL;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-grafana-user-"));
    sql = await startMariadb();
    const database = await sql.createDatabase();
    url = new URL(database);
    const ports = { otlpPort: 0, bridgePort: 0 };
    const receiver = createReceiver({ environment: {}, dataDirectory: folder, mysqlUrl: database, ...ports });
    await receiver.start();
    await receiver.stop();
  });
  afterAll(async () => {
    await sql.stop();
    rmSync(folder, { recursive: true });
  });

  it("makes a user that reads the tables of the dashboards alone; a second run changes the password", async () => {
    for (const password of ["first1", "second2"]) {
      runScript(password);
      const connection = await createConnection({ ...address(), user: "grafana", password });
      await expect(
        connection.query("SELECT COUNT(*) FROM metrics_minute JOIN series USING (series_id)"),
      ).resolves.toBeDefined();
      for (const statement of [
        "SELECT * FROM counter_state",
        "SELECT * FROM ingest_quarantine",
        "INSERT INTO ingest_offset (shard) VALUES (1)",
        "DELETE FROM series",
        "CREATE TABLE more (id INT)",
      ]) {
        await expect(connection.query(statement)).rejects.toThrow(/denied/);
      }
      await connection.end();
    }
    await expect(createConnection({ ...address(), user: "grafana", password: "first1" })).rejects.toThrow(/denied/);
  });

  it("refuses a password that could be more than a password", () => {
    expect(() => runScript("x'; DROP TABLE series; --")).toThrow(/letters and digits only/);
  });

  function address(): { readonly host: string; readonly port: number; readonly database: string } {
    return { host: url.hostname, port: Number(url.port), database: url.pathname.slice(1) };
  }

  /** As the service does it, against the server of the test and its user. */
  function runScript(password: string): void {
    const { host, port, database } = address();
    execFileSync("sh", [join(ROOT, "compose/grafana-user.sh")], {
      env: {
        PATH: process.env["PATH"],
        ...environment,
        MYSQL_HOST: host,
        MYSQL_PORT: String(port),
        MYSQL_DATABASE: database,
        MYSQL_ADMIN_USER: decodeURIComponent(url.username),
        MYSQL_ROOT_PASSWORD: decodeURIComponent(url.password),
        GRAFANA_MYSQL_PASSWORD: password,
        GRANTS_FILE: GRANTS,
      },
      stdio: "pipe",
    });
  }
});
