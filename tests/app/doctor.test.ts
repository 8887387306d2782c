import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkEverything } from "../../src/app/doctor.ts";
import { checkLine } from "../../src/app/doctor/check.ts";
import { loadSettings } from "../../src/app/load-settings.ts";
import { lockDirectory } from "../../src/log/directory-lock.ts";
import { systemClock } from "../../src/model/clock.ts";
import { migrateUp } from "../../src/rollup/migrate.ts";
import { mysqlMigrationDatabase } from "../../src/rollup/mysql-migration-database.ts";
import { sqliteMigrationDatabase } from "../../src/rollup/sqlite-migration-database.ts";
import { makeCertificate } from "../support/certificate.ts";
import { type CommandOutcome, runCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { connectedRedis } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { nowNanos, postMetric, receivedBytes } from "../support/send-metrics.ts";
import type { SqlServer } from "../support/sql-server.ts";
import { embeddedColumnSums } from "../support/totals.ts";

const PORTS = { OTLP_PORT: "0", BRIDGE_PORT: "0" };
let folder: string;
let redis: RedisServer;
let sql: SqlServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-doctor-"));
  [redis, sql] = await Promise.all([startRedisServer(), startMariadb()]);
});
afterAll(async () => {
  await Promise.all([redis.remove(), sql.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The command as it is run, in a process of its own. */
function doctorCommand(environment: Readonly<Record<string, string>>): Promise<CommandOutcome> {
  return runCommand(["doctor"], { DATA_DIR: join(folder, "none"), ...PORTS, ...environment });
}

/** The checks of the command, in this process. */
async function doctor(environment: Readonly<Record<string, string>>): Promise<string> {
  const loaded = loadSettings({ DATA_DIR: join(folder, "none"), ...PORTS, ...environment });
  if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
  return (await checkEverything(loaded.settings, systemClock)).map(checkLine).join("\n");
}

/** The lines that report `subject`. */
function linesAbout(report: string, subject: string): readonly string[] {
  return report.split("\n").filter((line) => line.slice(5).startsWith(`${subject}:`));
}

describe("doctor, with a Redis without AOF and a MariaDB with a wrong password,", () => {
  it("says both plainly, says how to mend them, and fails", async () => {
    const forgetful = await startRedisServer({ appendonly: "no" });
    const url = new URL(await sql.createDatabase());
    url.password = "wrong-secret";
    const outcome = await doctorCommand({ REDIS_URL: forgetful.url, MYSQL_URL: url.href });
    await forgetful.remove();
    expect(outcome.code).toBe(1);
    expect(linesAbout(outcome.stdout, "Redis durability")).toEqual([
      "FAIL Redis durability: appendonly is no: a restart of Redis loses everything it acknowledged. Set it to yes. " +
        "(redis-cli CONFIG SET appendonly yes, then CONFIG REWRITE)",
    ]);
    const [line, ...more] = linesAbout(outcome.stdout, "SQL");
    expect(more).toEqual([]);
    expect(line).toMatch(new RegExp(`^FAIL SQL: ${url.host}/test_\\w+: the password of ${url.username} is wrong`));
    expect(line).toContain("correct MYSQL_URL");
    expect(line).toContain(`Access denied for user '${url.username}'`);
    expect(outcome.stdout + outcome.stderr).not.toContain("wrong-secret");
  });
});

describe("doctor, where all is well,", () => {
  it("finds nothing to fail on servers and changes nothing on them", async () => {
    const url = await sql.createDatabase();
    const outcome = await doctorCommand({ REDIS_URL: redis.url, MYSQL_URL: url });
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    const report = outcome.stdout;
    expect(report).not.toContain("FAIL");
    for (const subject of [
      "Redis",
      "Redis permissions",
      "Redis durability",
      "Redis clock",
      "SQL",
      "SQL version",
      "SQL durability",
    ]) {
      expect(linesAbout(report, subject), subject).toEqual([expect.stringMatching(/^ok /)]);
    }
    expect(linesAbout(report, "SQL permissions")[0]).toContain("may do what is needed");
    expect(linesAbout(report, "migrations")).toEqual([expect.stringMatching(/^warn migrations: totals, .*will run/)]);
    const connection = await createConnection({ uri: url });
    expect((await connection.query("SHOW TABLES"))[0]).toEqual([]);
    await connection.end();
    const client = await connectedRedis(redis.url);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
  });

  it("finds migrations that have run, in MariaDB and in SQLite, and leaves no file behind", async () => {
    const url = await sql.createDatabase();
    await migrateUp(mysqlMigrationDatabase({ url }), 1_800_000_000);
    const directory = join(folder, "migrated");
    await migrateUp(sqliteMigrationDatabase({ file: join(directory, "bandwidth.db") }), 1_800_000_000);
    const before = readdirSync(directory);
    for (const environment of [{ MYSQL_URL: url }, { DATA_DIR: directory }]) {
      expect(linesAbout(await doctor(environment), "migrations")).toEqual(["ok   migrations: all have run"]);
    }
    expect(readdirSync(directory)).toEqual(before);
  });

  it("does not make the folder of the embedded stores", async () => {
    const outcome = await doctor({});
    expect(linesAbout(outcome, "DATA_DIR")[0]).toMatch(/^ok .* does not exist yet and can be made/);
    expect(readdirSync(folder)).not.toContain("none");
  });
});

describe("doctor, about settings,", () => {
  it("lists all faults at once, shows no secret and exits with 2", async () => {
    const outcome = await doctorCommand({ METRICS_BATCH_SIZE: "x", SHARDS: "0", OTLP_TOKEN: "short" });
    expect(outcome.code).toBe(2);
    expect(outcome.stdout.trimEnd().split("\n")).toEqual([
      expect.stringContaining("FAIL settings: METRICS_BATCH_SIZE: expected"),
      expect.stringContaining("FAIL settings: OTLP_TOKEN: expected"),
      expect.stringContaining("FAIL settings: SHARDS: expected"),
    ]);
    expect(outcome.stdout).not.toContain("short");
  });
});

describe("doctor, about Redis,", () => {
  it("says that nothing listens", async () => {
    const outcome = await doctor({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    expect(linesAbout(outcome, "Redis")[0]).toMatch(/^FAIL .*nothing listens there: start Redis, or correct/);
  });

  it("tells a missing password from a wrong one", async () => {
    const admin = await connectedRedis(redis.url);
    await admin.config("SET", "requirepass", "right-secret");
    const missing = await doctor({ REDIS_URL: redis.url });
    const refused = await doctor({ REDIS_URL: redis.url.replace("//", "//:wrong-secret@") });
    const accepted = await doctor({ REDIS_URL: redis.url.replace("//", "//:right-secret@") });
    await admin.config("SET", "requirepass", "");
    admin.disconnect();
    expect(linesAbout(missing, "Redis")[0]).toContain("Redis asks for a password: put it into REDIS_URL");
    expect(linesAbout(refused, "Redis")[0]).toContain("the user or the password in REDIS_URL is wrong");
    expect(refused).not.toContain("wrong-secret");
    expect(linesAbout(accepted, "Redis")[0]).toMatch(/^ok /);
  });
});

describe("doctor, about the permissions of a user of Redis,", () => {
  it(
    "says which are missing, and a receiver works with those it names and no others",
    { timeout: 60_000 },
    async () => {
      const admin = await connectedRedis(redis.url);
      await admin.acl("SETUSER", "receiver", "on", ">secret", "+acl|whoami", "+acl|dryrun");
      const url = redis.url.replace("//", "//receiver:secret@");
      const [before] = linesAbout(await doctor({ REDIS_URL: url }), "Redis permissions");
      const rules = /ACL SETUSER receiver (.*) \(ACL SAVE/.exec(before ?? "")?.[1]?.split(" ") ?? [];
      await admin.acl("SETUSER", "receiver", ...rules);
      const [after] = linesAbout(await doctor({ REDIS_URL: url }), "Redis permissions");
      const command = startCommand([], { REDIS_URL: url, DATA_DIR: join(folder, "permissions"), ...PORTS });
      const [, origin = ""] = await command.printed(/OTLP at (\S+)\/v1\/metrics/);
      const [, live = ""] = await command.printed(/live at (\S+)\/api\/live /);
      await expect.poll(async () => (await fetch(`${live}/readyz`)).status, { timeout: 10_000 }).toBe(200);
      const answer = await postMetric(origin, receivedBytes(1000n, nowNanos()));
      const shown = await fetch(`${live}/api/live`);
      const ended = await command.stop();
      await admin.acl("DELUSER", "receiver");
      await admin.flushall();
      admin.disconnect();
      expect(before).toMatch(/^FAIL .*~otel-bandwidth:\*/);
      expect(rules).toContain("+info");
      expect(after).toBe("ok   Redis permissions: receiver may do what is needed");
      expect([answer.status, shown.status]).toEqual([200, 200]);
      expect([ended.code, ended.stderr]).toEqual([0, ""]);
      expect(await embeddedColumnSums(join(folder, "permissions"))).toEqual({ wire_bytes_in: 1000n });
    },
  );

  it("warns where Redis does not tell", async () => {
    const admin = await connectedRedis(redis.url);
    await admin.acl("SETUSER", "silent", "on", ">secret", "+@all", "~*", "-acl");
    const outcome = await doctor({ REDIS_URL: redis.url.replace("//", "//silent:secret@") });
    await admin.acl("DELUSER", "silent");
    admin.disconnect();
    expect(linesAbout(outcome, "Redis permissions")).toEqual([expect.stringMatching(/^warn .*could not be checked/)]);
  });
});

describe("doctor, about the replicas of Redis,", () => {
  it("says what a fail-over can lose, and which setting bounds it", { timeout: 60_000 }, async () => {
    const replica = await startRedisServer({ replicaof: `127.0.0.1 ${redis.port}` });
    const admin = await connectedRedis(redis.url);
    const follows = async (): Promise<string> => admin.info("replication");
    await expect.poll(follows, { timeout: 20_000 }).toContain("state=online");
    const open = linesAbout(await doctor({ REDIS_URL: redis.url }), "Redis durability");
    await admin.config("SET", "min-replicas-to-write", "1");
    const bounded = linesAbout(await doctor({ REDIS_URL: redis.url }), "Redis durability");
    await admin.config("SET", "min-replicas-to-write", "0");
    admin.disconnect();
    await replica.remove();
    expect(open).toEqual([
      expect.stringMatching(/^warn .*replicates asynchronously/),
      expect.stringMatching(/^warn .*min-replicas-to-write is 0: .*redis-cli CONFIG SET min-replicas-to-write 1/),
    ]);
    expect(bounded).toEqual([expect.stringMatching(/^warn .*replicates asynchronously/)]);
  });
});

describe("doctor, about SQL,", () => {
  it("says that there is no such database", async () => {
    const url = new URL(await sql.createDatabase());
    url.pathname = "/not_there";
    const outcome = await doctor({ MYSQL_URL: url.href });
    expect(linesAbout(outcome, "SQL")[0]).toContain("there is no database not_there: CREATE DATABASE `not_there`");
  });

  it("says which permissions are missing, and how to grant them", async () => {
    const url = new URL(await sql.createDatabase());
    const database = url.pathname.slice(1);
    const connection = await createConnection({ uri: url.href });
    await connection.query("CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'reads-only'");
    await connection.query("CREATE USER 'stranger'@'127.0.0.1' IDENTIFIED BY 'reads-nothing'");
    await connection.query(`GRANT SELECT, INSERT ON ${database}.* TO 'reader'@'127.0.0.1'`);
    [url.username, url.password] = ["reader", "reads-only"];
    const reader = await doctor({ MYSQL_URL: url.href });
    [url.username, url.password] = ["stranger", "reads-nothing"];
    const stranger = await doctor({ MYSQL_URL: url.href });
    await connection.query("DROP USER 'reader'@'127.0.0.1', 'stranger'@'127.0.0.1'");
    await connection.end();
    expect(linesAbout(reader, "SQL permissions")).toEqual([
      "FAIL SQL permissions: reader@127.0.0.1 lacks UPDATE, DELETE, CREATE, ALTER, DROP, INDEX: " +
        `GRANT UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON \`${database}\`.* TO 'reader'@'127.0.0.1'`,
    ]);
    expect(linesAbout(stranger, "SQL")[0]).toContain(`stranger may not use the database ${database}`);
  });

  it("says that commits are not kept through a crash", async () => {
    const url = await sql.createDatabase();
    const connection = await createConnection({ uri: url });
    await connection.query("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    const outcome = await doctor({ MYSQL_URL: url });
    const receiver = startCommand([], { DATA_DIR: join(folder, "volatile"), MYSQL_URL: url, ...PORTS });
    await receiver.printed(/not durable: innodb_flush_log_at_trx_commit is 2: .*Set it to 1/);
    await receiver.stop();
    await connection.query("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    await connection.end();
    expect(linesAbout(outcome, "SQL durability")).toEqual([
      expect.stringMatching(/^FAIL .*innodb_flush_log_at_trx_commit is 2: .*Set it to 1/),
    ]);
  });

  it("says that the database is of a later version of ours", async () => {
    const url = await sql.createDatabase();
    await migrateUp(mysqlMigrationDatabase({ url }), 1_800_000_000);
    const connection = await createConnection({ uri: url });
    await connection.query("INSERT INTO schema_migrations VALUES (9999, 'from-the-future', 'x', 1)");
    await connection.end();
    expect(linesAbout(await doctor({ MYSQL_URL: url }), "migrations")[0]).toMatch(
      /^warn .*from-the-future is of a later version/,
    );
  });
});

describe("doctor, about this machine,", () => {
  it("says which port another program has", async () => {
    const other = createServer((_request, response) => response.writeHead(418).end());
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const outcome = await doctor({ OTLP_PORT: String(port) });
    other.close();
    expect(linesAbout(outcome, "OTLP_PORT")).toEqual([
      `FAIL OTLP_PORT: 127.0.0.1:${port} is in use by another program: end it, or set another OTLP_PORT`,
    ]);
    expect(linesAbout(outcome, "BRIDGE_PORT")).toEqual(["ok   BRIDGE_PORT: any free port of 127.0.0.1"]);
  });

  it("cannot say whose a port of gRPC is, and does not ask to end it", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const outcome = await doctor({ OTLP_GRPC_PORT: String(port) });
    other.close();
    expect(linesAbout(outcome, "OTLP_GRPC_PORT")).toEqual([
      `warn OTLP_GRPC_PORT: 127.0.0.1:${port} is in use; whether by a receiver that is running cannot be told over gRPC`,
    ]);
  });

  it("says that both servers were given one port", async () => {
    const port = String(await freePort());
    const outcome = await doctor({ OTLP_PORT: port, BRIDGE_PORT: port });
    expect(linesAbout(outcome, "ports")).toEqual([
      `FAIL ports: OTLP_PORT and BRIDGE_PORT are both ${port}: give each its own`,
    ]);
  });

  it("names who is in the folder of the embedded stores, and notices a folder that is none", async () => {
    const directory = join(folder, "taken");
    const lock = lockDirectory(directory);
    if (lock.kind !== "success") throw new Error(lock.reason);
    const taken = await doctor({ DATA_DIR: directory });
    lock.value.release();
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(linesAbout(taken, "DATA_DIR")[0]).toContain(`is in use by process ${process.pid}`);
    expect(linesAbout(await doctor({ DATA_DIR: directory }), "DATA_DIR")[0]).toMatch(/^ok /);
    const none = await doctor({ DATA_DIR: file });
    expect(linesAbout(none, "DATA_DIR")[0]).toMatch(/^FAIL .*it is no folder/);
  });

  it("warns of a token that can be guessed and of one that travels readable, off loopback", async () => {
    const weak = await doctor({ OTLP_HOST: "0.0.0.0", OTLP_TOKEN: "password1" });
    expect(linesAbout(weak, "OTLP_TOKEN")[0]).toMatch(/^warn .*can be guessed/);
    expect(linesAbout(weak, "network")[0]).toMatch(/^warn .*without TLS/);
    expect(weak).not.toContain("password1");
    const strong = await doctor({ OTLP_HOST: "0.0.0.0", OTLP_TOKEN: "k3Jx81mQz0Lw7uYbN5tRc2Ve" });
    expect(linesAbout(strong, "OTLP_TOKEN")[0]).toMatch(/^ok /);
  });

  it("says what is wrong with the bridge, and shows no secret", async () => {
    const server = createServer((request, response) => {
      const answers: Record<string, readonly [number, string]> = {
        "/keys": [200, '{"keys":[{"kty":"EC"}]}'],
        "/empty": [200, '{"keys":[]}'],
        "/text": [200, "[]"],
        "/v1/metrics": [request.headers.authorization === "Bearer right" ? 200 : 401, ""],
      };
      const [status, body] = answers[request.url ?? ""] ?? [404, ""];
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const about = async (subject: string, environment: Record<string, string>): Promise<string | undefined> =>
      linesAbout(await doctor(environment), subject)[0];
    const keySet = (path: string) => about("BRIDGE_JWKS_URL", { BRIDGE_JWKS_URL: origin + path });
    expect(await keySet("/keys")).toBe(`ok   BRIDGE_JWKS_URL: 1 key at ${origin}/keys`);
    expect(await keySet("/empty")).toMatch(/^FAIL .*holds no key/);
    expect(await keySet("/text")).toMatch(/^FAIL .*is no key set/);
    expect(await keySet("/none")).toMatch(/^FAIL .*answers 404: no token can be checked/);
    const forward = (token: string) =>
      about("BRIDGE_FORWARD_URL", { BRIDGE_FORWARD_URL: origin, BRIDGE_FORWARD_TOKEN: token });
    expect(await forward("right")).toBe(`ok   BRIDGE_FORWARD_URL: ${origin}/v1/metrics takes metrics`);
    expect(await forward("hidden")).toMatch(/^FAIL .*answers 401 to metrics; correct BRIDGE_FORWARD_TOKEN$/);
    server.close();
    expect(await forward("right")).toMatch(/^FAIL .*: start the Collector, or correct it$/);
    const secret = (text: string) => about("BRIDGE_JWT_SECRET", { BRIDGE_JWT_SECRET: text });
    expect(await secret("password".repeat(4))).toMatch(/^warn .*can be guessed/);
    expect(await secret("k3Jx81mQz0Lw7uYbN5tRc2Ve-xx-yy-zz")).toMatch(/^ok .*hard to guess/);
    expect(await about("BRIDGE_JWT_SECRET", {})).toMatch(/^ok .*makes one up at each start/);
    const off = { BRIDGE_HOST: "0.0.0.0", BRIDGE_JWT_SECRET: "k3Jx81mQz0Lw7uYbN5tRc2Ve-xx-yy-zz" };
    expect(await about("BRIDGE_ORIGINS", off)).toMatch(/^warn .*is not set/);
    expect(await about("BRIDGE_ORIGINS", { ...off, BRIDGE_ORIGINS: "*" })).toMatch(/^warn .*every origin/);
    expect(await about("BRIDGE_ORIGINS", { ...off, BRIDGE_ORIGINS: "https://app.example.com" })).toMatch(/^ok /);
  });

  it("tells how long the certificate is valid, and when it does not fit its key", async () => {
    const soon = makeCertificate(folder, "soon", "soon", 5);
    const later = makeCertificate(folder, "later", "later", 90);
    const tls = (certFile: string, keyFile: string) => doctor({ TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile });
    expect(linesAbout(await tls(soon.certFile, soon.keyFile), "TLS certificate")[0]).toMatch(/^warn .*expires on/);
    expect(linesAbout(await tls(later.certFile, later.keyFile), "TLS certificate")[0]).toMatch(/^ok .*valid until/);
    const mixed = await tls(soon.certFile, later.keyFile);
    expect(linesAbout(mixed, "TLS certificate")[0]).toMatch(/^FAIL .*mismatch/);
    const absent = await tls(join(folder, "absent.pem"), later.keyFile);
    expect(linesAbout(absent, "TLS certificate")[0]).toMatch(/^FAIL .*ENOENT/);
  });
});
