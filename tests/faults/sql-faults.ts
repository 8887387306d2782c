/** Faults of the SQL server, and of the file that stands for it in an embedded receiver. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { replaceSource, type SourceChange } from "./child-modules.ts";
import type { Fault, Scene } from "./run-cycle.ts";
import { EmbeddedStores, ServerStores, withSql } from "./stores.ts";

/** Ten seconds are the world's; the short round waits one for a lock. */
const SHORT_LOCK_WAIT: SourceChange = {
  file: "rollup/mysql-database.ts",
  from: "lockWaitSeconds: 10,",
  to: "lockWaitSeconds: 1,",
};
/** Five seconds are the world's, and hold everything else up meanwhile. */
const SHORT_BUSY_WAIT: SourceChange = {
  file: "rollup/sqlite-session.ts",
  from: "busyTimeoutMillis = 5000 }",
  to: "busyTimeoutMillis = 300 }",
};
/** How long a receiver waits at its end for a commit that does not come. */
const SHORT_STOP: SourceChange = {
  file: "app/serve.ts",
  from: "STOP_DEADLINE_MILLIS = 9500;",
  to: "STOP_DEADLINE_MILLIS = 1000;",
};
/** Rows that another transaction has written: the more, the less likely is it the one that a deadlock ends. */
const HEAVY_ROWS = 2000;

function serversOf({ stores }: Scene): ServerStores {
  if (!(stores instanceof ServerStores)) throw new Error("this needs servers");
  return stores;
}

/** Resolves when the receiver has complained of something. */
async function complains({ receivers, load }: Scene, about: RegExp): Promise<void> {
  await load.until(() => about.test(receivers[0]!.complaints), `the receiver to complain of ${about}`);
}

const RESTART: Fault = {
  name: "SQL server restart",
  backends: ["servers"],
  async inject(scene) {
    const { load, random, size, witness } = scene;
    const { sql } = serversOf(scene);
    const restarts = size.short ? 1 : 4;
    for (let restart = 0; restart < restarts; restart++) {
      if (restart % 2 === 0) await sql.kill();
      else await sql.shutDown();
      // The receiver goes on answering 2xx out of its log.
      await load.acknowledges(size.batches);
      await pause(random.integer(0, size.short ? 50 : 2000));
      await sql.start();
      await load.acknowledges(random.integer(1, size.batches));
    }
    witness(`${restarts} restarts, the first a kill -9`);
  },
};

const DEADLOCK: Fault = {
  name: "deadlock (1213)",
  backends: ["servers"],
  async inject(scene) {
    const { load, size, witness } = scene;
    const { databaseUrl, sqlProxies } = serversOf(scene);
    const deadlocks = sqlProxies[0]!.countReplies("Deadlock found");
    const count = size.short ? 2 : 10;
    for (let done = 0; done < count; done++) {
      await withSql(databaseUrl, async (other) => {
        await other.query("CREATE TABLE IF NOT EXISTS heavy (id INT PRIMARY KEY) ENGINE=InnoDB");
        await other.query("START TRANSACTION");
        const rows = Array.from({ length: HEAVY_ROWS }, (_, row) => `(${row})`);
        await other.query(`INSERT INTO heavy VALUES ${rows.join(", ")}`);
        await other.query("SELECT COUNT(*) FROM metrics_minute FOR UPDATE");
        await load.until(() => waits(databaseUrl), "a commit to wait for the lock");
        // Held by the commit that waits: now each waits for the other, and the server ends one.
        await other.query("SELECT COUNT(*) FROM ingest_offset FOR UPDATE");
        await other.query("ROLLBACK");
      });
      await load.acknowledges(size.batches / 2);
    }
    if (deadlocks() < count) throw new Error(`${deadlocks()} deadlocks, expected ${count}`);
    witness(`${deadlocks()} deadlocks`);
  },
};

/** Whether some transaction waits for a lock. */
async function waits(url: string): Promise<boolean> {
  // The server renews what it tells of transactions only when nobody has asked for a tenth of a second.
  await pause(150);
  return await withSql(url, async (connection) => {
    const [rows] = await connection.query(
      "SELECT COUNT(*) AS waiting FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'",
    );
    return Number((rows as { waiting: string | number }[])[0]!.waiting) > 0;
  });
}

const LOCK_WAIT: Fault = {
  name: "lock wait timeout (1205)",
  backends: ["servers"],
  imports: (_, size) => (size.short ? [replaceSource(SHORT_LOCK_WAIT)] : []),
  async inject(scene) {
    const { load, size, witness } = scene;
    const { databaseUrl, sqlProxies } = serversOf(scene);
    const timeouts = sqlProxies[0]!.countReplies("Lock wait timeout");
    const count = size.short ? 1 : 5;
    for (let done = 0; done < count; done++) {
      await withSql(databaseUrl, async (other) => {
        await other.query("START TRANSACTION");
        await other.query("SELECT COUNT(*) FROM metrics_minute FOR UPDATE");
        await load.until(() => timeouts() > done, "a lock wait timeout");
        await other.query("ROLLBACK");
      });
      await load.acknowledges(size.batches);
    }
    witness(`${timeouts()} time-outs`);
  },
};

const READ_ONLY: Fault = {
  name: "SQL server read-only",
  backends: ["servers"],
  environment: { METRICS_BUFFER_SIZE: "60" },
  async inject(scene) {
    const { load, size, witness } = scene;
    await withSql(serversOf(scene).databaseUrl, async (root) => {
      await root.query("SET GLOBAL read_only = 1");
      try {
        await complains(scene, /read.only/i);
        await load.until(() => (load.journal.answers.get("503") ?? 0) > size.senders, "503 when the log is full");
      } finally {
        await root.query("SET GLOBAL read_only = 0");
      }
    });
    await load.acknowledges(size.batches);
    witness(`${load.journal.answers.get("503")} x 503 at the log's limit`);
  },
};

const STALL: Fault = {
  name: "SQL server held still",
  backends: ["servers"],
  async inject(scene) {
    const { load, size, witness } = scene;
    const { sql } = serversOf(scene);
    const millis = size.short ? 1500 : 30_000;
    const before = load.journal.acknowledgedBatches;
    sql.freeze();
    await pause(millis);
    sql.thaw();
    await load.acknowledges(size.batches);
    witness(`SIGSTOP for ${millis} ms, ${load.journal.acknowledgedBatches - before} batches taken`);
  },
};

const STOP_WITHOUT_SQL: Fault = {
  name: "SIGTERM while the SQL server is held still",
  backends: ["servers"],
  imports: (_, size) => (size.short ? [replaceSource(SHORT_STOP)] : []),
  async inject(scene) {
    const { stores, receivers, load, size, witness } = scene;
    const { sql } = serversOf(scene);
    const receiver = receivers[0]!;
    sql.freeze();
    await load.acknowledges(size.batches);
    // Ends by itself, or the run does not go on.
    const { millis } = await receiver.stop();
    sql.thaw();
    if ((await stores.pendingEntries()) === 0) throw new Error("nothing was left in the log");
    await load.fails(1);
    if (size.short) await stores.expireLeases();
    await receiver.start();
    witness(`stopped in ${Math.round(millis)} ms`);
  },
};

const LOCKED_FILE: Fault = {
  name: "totals' file locked by another process",
  backends: ["embedded"],
  imports: (_, size) => (size.short ? [replaceSource(SHORT_BUSY_WAIT)] : []),
  async inject(scene) {
    const { stores, load, size, witness } = scene;
    if (!(stores instanceof EmbeddedStores)) throw new Error("this needs an embedded receiver");
    const other = new DatabaseSync(join(stores.folder, "bandwidth.db"));
    try {
      other.exec("PRAGMA busy_timeout = 2000; BEGIN IMMEDIATE");
      await complains(scene, /locked/i);
      other.exec("ROLLBACK");
    } finally {
      other.close();
    }
    await load.acknowledges(size.batches);
    witness("locked for longer than it is waited for");
  },
};

/** The faults of this file. */
export const SQL_FAULTS: readonly Fault[] = [
  RESTART,
  DEADLOCK,
  LOCK_WAIT,
  READ_ONLY,
  STALL,
  STOP_WITHOUT_SQL,
  LOCKED_FILE,
];
