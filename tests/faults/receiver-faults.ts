/** Faults of the receiver's process: killed, asked to end, asleep, started together, with a wrong clock. */
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { TRIM_SCRIPT } from "../../src/log/redis-log-scripts.ts";
import { ALERTS_TO_DROP_SQL } from "../../src/rollup/retention.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { clockAhead, killAt, SHIFT_CLOCK } from "./child-modules.ts";
import type { Fault, Scene } from "./run-cycle.ts";
import { ServerStores, type Stores, withSql } from "./stores.ts";

/** The first bytes of a gzip body: of the requests to Redis only an append has one. */
const GZIP_BODY = Buffer.from([0x1f, 0x8b, 0x08]);
const TRIM_SHA = createHash("sha1").update(TRIM_SCRIPT).digest("hex");

const KILL_AT_RANDOM: Fault = {
  name: "kill -9 at random",
  backends: ["servers", "embedded"],
  async inject({ stores, receivers, load, random, size, witness }) {
    const receiver = receivers[0]!;
    const kills = size.short ? 2 : 5;
    for (let kill = 0; kill < kills; kill++) {
      await load.acknowledges(random.integer(1, size.batches));
      await pause(random.integer(0, 150));
      await receiver.kill();
      await load.fails(1);
      if (size.short) await stores.expireLeases();
      await receiver.start();
    }
    witness(`${kills} kills`);
  },
};

const KILL_AT_POINTS: Fault = {
  name: "kill -9 at chosen points",
  backends: ["servers", "embedded"],
  async inject(scene) {
    const { stores, receivers, load, size, witness } = scene;
    const receiver = receivers[0]!;
    const kills = stores instanceof ServerStores ? serverPoints(scene, stores) : embeddedPoints(scene);
    for (const kill of kills) {
      await kill();
      await receiver.ended();
      await load.fails(1);
      if (size.short) await stores.expireLeases();
      await receiver.start();
      await receiver.ready();
      await load.acknowledges(size.batches / 2);
    }
    witness(`${kills.length} points`);
  },
};

/** Kills from outside, at what the proxies see. */
function serverPoints({ receivers, doors }: Scene, stores: ServerStores): (() => Promise<void>)[] {
  const at = (proxy: TcpProxy | undefined, text: string | Buffer, moment: "request" | "reply") => async () =>
    proxy?.once(text, moment, () => {
      receivers[0]!.killNow();
      return "cut";
    });
  const [redis, sql, door] = [stores.redisProxies[0], stores.sqlProxies[0], doors[0]];
  return [
    at(redis, GZIP_BODY, "request"),
    at(redis, GZIP_BODY, "reply"),
    at(door, "POST /v1/metrics", "reply"),
    at(sql, "START TRANSACTION", "reply"),
    at(sql, "COMMIT", "request"),
    at(sql, "COMMIT", "reply"),
    at(redis, TRIM_SHA, "request"),
    at(redis, TRIM_SHA, "reply"),
  ];
}

/** The process ends itself at a call of SQLite: it is started anew with the module that does it. */
function embeddedPoints({ receivers, random }: Scene): (() => Promise<void>)[] {
  const moments = ["before append", "after append", "before commit", "after commit", "before trim", "after trim"];
  return moments.map((moment) => async () => {
    await receivers[0]!.kill();
    const starting = receivers[0]!.start({ imports: [killAt(moment, random.integer(0, 5))] });
    // The moment may come before it has said that it listens.
    await starting.catch(() => undefined);
  });
}

const SIGTERM_IN_FLIGHT: Fault = {
  name: "SIGTERM with data in flight",
  backends: ["servers", "embedded"],
  async inject({ stores, receivers, load, random, size, witness }) {
    const rounds = size.short ? 2 : 5;
    let slowest = 0;
    for (let round = 0; round < rounds; round++) {
      await load.acknowledges(random.integer(1, size.batches));
      const { code, millis } = await receivers[0]!.stop();
      if (code !== 0) throw new Error(`ended with ${code} after ${millis} ms`);
      const pending = await stores.pendingEntries();
      if (pending > 0) throw new Error(`${pending} entries were left in the log`);
      slowest = Math.max(slowest, millis);
      await load.fails(1);
      await receivers[0]!.start();
      await receivers[0]!.ready();
    }
    witness(`${rounds} stops, slowest ${Math.round(slowest)} ms`);
  },
};

const ASLEEP: Fault = {
  name: "two receivers, one asleep",
  backends: ["servers"],
  receivers: 2,
  async inject(scene) {
    const { stores, receivers, load, size, witness } = scene;
    if (!(stores instanceof ServerStores)) throw new Error("this needs servers");
    const rounds = size.short ? 1 : 3;
    for (let round = 0; round < rounds; round++) {
      const sleeper = await fallsAsleep(scene, stores);
      if (size.short) await stores.expireLeases();
      const before = await commitsOf(stores);
      const others = stores.sqlProxies[1 - sleeper]!.countRequests("COMMIT");
      // At least one by the other receiver of what the sleeper has folded, too. It counts only where offsets are compared.
      const committed = async (): Promise<boolean> => others() > 40 || (await commitsOf(stores)) >= before + 3n;
      await load.until(committed, "commits of the other receiver");
      receivers[sleeper]!.thaw();
      stores.sqlProxies[sleeper]!.requests("pass");
      await load.acknowledges(size.batches);
    }
    witness(`${rounds} naps at the beginning of a commit`);
  },
};

/** Stops the receiver that begins the next commit; its first statement is still on its way then. */
async function fallsAsleep({ receivers, load }: Scene, stores: ServerStores): Promise<number> {
  let sleeper: number | undefined;
  for (const [at, proxy] of stores.sqlProxies.entries()) {
    proxy.once("START TRANSACTION", "request", () => {
      if (sleeper !== undefined) return "pass";
      sleeper = at;
      receivers[at]!.freeze();
      proxy.requests("stall");
      return "stall";
    });
  }
  await load.until(() => sleeper !== undefined, "a commit to begin");
  return sleeper!;
}

async function commitsOf({ databaseUrl }: ServerStores): Promise<bigint> {
  return await withSql(databaseUrl, async (connection) => {
    const [rows] = await connection.query("SELECT MIN(commits) AS commits FROM ingest_offset");
    return BigInt((rows as { commits: string | number }[])[0]!.commits);
  });
}

const MIGRATION_RACE: Fault = {
  name: "migration race",
  backends: ["servers"],
  receivers: 3,
  startTogether: true,
  async inject({ stores, witness }) {
    if (!(stores instanceof ServerStores)) throw new Error("this needs servers");
    const applied = await withSql(stores.databaseUrl, async (connection) => {
      const [rows] = await connection.query("SELECT version FROM schema_migrations ORDER BY version");
      return (rows as { version: number }[]).map(({ version }) => version);
    });
    if (applied.length === 0 || applied.some((version, at) => version !== at + 1)) {
      throw new Error(`applied: ${applied.join(", ")}`);
    }
    witness(`3 receivers, ${applied.length} migrations once`);
  },
};

const CLOCK_JUMP: Fault = {
  name: "clock jump of a day",
  backends: ["servers", "embedded"],
  habits: { repeats: 0.3 },
  // What is refused is contained in the next point that is not: that step must still be credible.
  largestStep: 2 ** 40,
  imports: () => [SHIFT_CLOCK],
  async inject({ receivers, load, size, witness }) {
    const receiver = receivers[0]!;
    // Ahead, back, behind, back.
    for (let step = 1; step <= 4; step++) {
      await load.hold();
      receiver.signal("SIGUSR2");
      await load.until(() => receiver.complaints.includes(`clock step ${step}:`), "the clock to be shifted");
      load.resume();
      const refusedBefore = load.journal.refusedPoints;
      await load.acknowledges(size.batches);
      const refused = load.journal.refusedPoints - refusedBefore;
      if (refused > 0 !== (step % 2 === 1)) throw new Error(`step ${step}: ${refused} points were refused`);
    }
    witness(`${load.journal.refusedPoints} points refused`);
  },
};

const CLOCK_JUMP_AND_KILL: Fault = {
  name: "clock ahead by a day, then a kill",
  backends: ["servers", "embedded"],
  habits: { repeats: 0.5 },
  largestStep: 2 ** 40,
  imports: () => [SHIFT_CLOCK],
  async inject({ stores, receivers, load, size, witness }) {
    const receiver = receivers[0]!;
    await load.hold();
    receiver.signal("SIGUSR2");
    await load.until(() => receiver.complaints.includes("clock step 1:"), "the clock to be shifted");
    load.resume();
    await load.acknowledges(size.batches);
    await load.hold();
    await load.until(async () => (await stores.pendingEntries()) === 0, "a commit while the clock is ahead");
    await receiver.kill();
    if (size.short) await stores.expireLeases();
    // Its clock is right again, and senders repeat what they sent before.
    await receiver.start();
    await receiver.ready();
    load.resume();
    await load.acknowledges(2 * size.batches);
    witness(`${load.journal.refusedPoints} points refused`);
  },
};

/** So far ahead that all counter state would be past its retention. */
const DAYS_AHEAD = 4;

const STARTS_AHEAD: Fault = {
  name: "starts with the clock four days ahead",
  backends: ["servers", "embedded"],
  largestStep: 2 ** 40,
  async inject({ stores, receivers, load, size, witness }) {
    const receiver = receivers[0]!;
    // The second finds what the first has left, and is not to believe it either.
    for (let start = 0; start < 2; start++) {
      await load.hold();
      await receiver.stop();
      const maintained = countMaintenance(stores);
      await receiver.start({ imports: [clockAhead(DAYS_AHEAD)] });
      await receiver.ready();
      load.resume();
      const refusedBefore = load.journal.refusedPoints;
      await load.acknowledges(size.batches);
      if (load.journal.refusedPoints === refusedBefore) throw new Error("the clock was not ahead");
      await load.until(() => maintained() > 0, "maintenance by the receiver");
    }
    await load.hold();
    await receiver.kill();
    if (size.short) await stores.expireLeases();
    await receiver.start();
    await receiver.ready();
    load.resume();
    await load.acknowledges(2 * size.batches);
    witness(`${load.journal.refusedPoints} points refused`);
  },
};

/** Counts how often maintenance has come to its last deletion; an embedded receiver is there when it is ready. */
function countMaintenance(stores: Stores): () => number {
  return stores instanceof ServerStores
    ? stores.sqlProxies[0]!.countRequests(ALERTS_TO_DROP_SQL.slice(0, 60))
    : () => 1;
}

/** The faults of this file. */
export const RECEIVER_FAULTS: readonly Fault[] = [
  KILL_AT_RANDOM,
  KILL_AT_POINTS,
  SIGTERM_IN_FLIGHT,
  ASLEEP,
  MIGRATION_RACE,
  CLOCK_JUMP,
  CLOCK_JUMP_AND_KILL,
  STARTS_AHEAD,
];
