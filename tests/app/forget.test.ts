/** `otel-bandwidth forget` beside receivers under load, on real stores: totals stay, the name goes and does not come back. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forgetRequest } from "../../src/app/forget.ts";
import { runCommand, type CommandOutcome } from "../support/command.ts";
import {
  type CommandReceiver,
  CommandStores,
  type Environment,
  startCommandReceiver,
} from "../support/command-stores.ts";
import { otlpRequest, type TestResource } from "../support/otlp-request.ts";
import { nextNanos, nowNanos, postMetrics } from "../support/send-metrics.ts";

type Query = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

const TABLES = ["metrics_minute", "metrics_hourly", "metrics_daily"] as const;

let stores: CommandStores;
beforeAll(async () => {
  stores = await CommandStores.start();
});
afterAll(() => stores.remove());

function startReceiver(environment: Environment): Promise<CommandReceiver> {
  return startCommandReceiver({ SHARDS: "2", ...environment });
}

/** Pages of two people in two meetings, whose counters grow with each request. */
class Pages {
  readonly #origin: string;
  readonly #start = nowNanos();
  #sent = 0n;
  #acknowledged = 0n;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** What each page has received and had acknowledged. */
  get bytes(): bigint {
    return this.#acknowledged * 1000n;
  }

  async send(times: number): Promise<void> {
    for (let sent = 0; sent < times; sent += 1) {
      this.#sent += 1n;
      const pages = ["daily", "review"].flatMap((meeting) =>
        ["ann", "bob"].map((person) => this.#page(meeting, person)),
      );
      const { status } = await postMetrics(this.#origin, otlpRequest(pages));
      expect(status).toBe(200);
      this.#acknowledged = this.#sent;
    }
  }

  #page(meeting: string, person: string): TestResource {
    const attributes = { "network.io.direction": "receive", "webrtc.relay": true };
    const point = { attributes, start: this.#start, time: nextNanos(), value: this.#sent * 1000n };
    return {
      attributes: { "webrtc.meeting.id": meeting, "webrtc.participant.id": person },
      metrics: [{ name: "webrtc.io", unit: "By", sum: [point] }],
    };
  }
}

/** The bytes of each participant of a table, by meeting and name. */
async function bytesBy(query: Query, table: string): Promise<Readonly<Record<string, bigint>>> {
  const rows = await query(
    `SELECT meeting_id, participant_id, SUM(bytes_in) AS bytes FROM ${table} JOIN series USING (series_id)
     GROUP BY meeting_id, participant_id`,
  );
  return Object.fromEntries(
    rows.map((row) => [`${String(row["meeting_id"])}/${String(row["participant_id"])}`, BigInt(String(row["bytes"]))]),
  );
}

async function isErasedBesideLoad(environment: Environment, query: Query): Promise<void> {
  const everything = (pages: Pages): Record<string, bigint> =>
    Object.fromEntries(
      ["daily/__erased__", "daily/bob", "review/__erased__", "review/bob"].map((who) => [who, pages.bytes]),
    );
  const run = (...args: readonly string[]): Promise<CommandOutcome> =>
    runCommand(args, { SHARDS: "2", ...environment });
  let { command, origin } = await startReceiver(environment);
  const pages = new Pages(origin);
  try {
    await pages.send(10);
    await expect
      .poll(async () => (await bytesBy(query, "metrics_daily"))["daily/ann"], { timeout: 20_000, interval: 50 })
      .toBe(pages.bytes);
    const dry = await run("forget", "--participant", "ann", "--dry-run");
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    expect(dry.stdout).toMatch(/^would erase "ann": 2 series in 2 meetings\n(.*\n)*nothing was changed\n$/);
    expect(await bytesBy(query, "metrics_daily")).toHaveProperty("daily/ann");

    const [forgotten] = await Promise.all([run("forget", "--participant", "ann"), pages.send(30)]);
    expect(forgotten, forgotten.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(forgotten.stdout).toMatch(/^erased "ann": 2 series in 2 meetings\n/);
    await pages.send(5);
    await expect
      .poll(() => bytesBy(query, "metrics_daily"), { timeout: 20_000, interval: 50 })
      .toEqual(everything(pages));
    expect(await run("verify")).toMatchObject({ code: 0, stderr: "" });
  } finally {
    await command.stop();
  }
  // Another process knows nothing of what the first one held in memory.
  ({ command, origin } = await startReceiver(environment));
  const later = new Pages(origin);
  try {
    await later.send(3);
  } finally {
    await command.stop();
  }
  const bytes = pages.bytes + later.bytes;
  for (const table of TABLES) {
    expect(await bytesBy(query, table)).toEqual(
      Object.fromEntries(Object.keys(everything(pages)).map((who) => [who, bytes])),
    );
  }
  const verified = await run("verify");
  expect(verified, verified.stdout).toMatchObject({ code: 0, stderr: "" });
  const again = await run("forget", "--participant", "ann");
  expect(again.stdout).toMatch(/^nothing is stored of "ann"\n/);
  const month = new Date().toISOString().slice(0, 7);
  const bill = await run("bill", "--month", month, "--by", "participant", "--format", "csv");
  const gigabytes = `0.${String(2n * bytes).padStart(9, "0")}`;
  for (const who of ["__erased__", "bob"]) {
    expect(bill.stdout).toContain(`line,${month},,${who},0.000,0.000,${gigabytes},${gigabytes},`);
  }
}

describe("a person is erased beside a receiver under load", { timeout: 120_000 }, () => {
  it("in an embedded one", async () => {
    const directory = mkdtempSync(join(stores.folder, "embedded-"));
    const query: Query = async (text) => {
      const database = new DatabaseSync(join(directory, "bandwidth.db"), { readOnly: true });
      try {
        return database.prepare(text).all();
      } finally {
        database.close();
      }
    };
    await isErasedBesideLoad({ DATA_DIR: directory }, query);
  });

  it("on Redis and MySQL", async () => {
    const url = await stores.sql.createDatabase();
    const query: Query = async (text) => {
      const connection = await createConnection({ uri: url });
      try {
        const [rows] = await connection.query(text);
        return rows as Readonly<Record<string, unknown>>[];
      } finally {
        await connection.end();
      }
    };
    await isErasedBesideLoad({ REDIS_URL: stores.redis.url, MYSQL_URL: url }, query);
  });
});

describe("a person whose id others have, too", { timeout: 60_000 }, () => {
  it("is erased in the namespace that is named, and in no other unless all are asked for", async () => {
    const directory = mkdtempSync(join(stores.folder, "namespaces-"));
    const environment = { DATA_DIR: directory };
    const { command, origin } = await startReceiver(environment);
    const pages = ["bank", "shop"].map((namespace): TestResource => {
      const point = {
        attributes: { "network.io.direction": "receive" },
        start: nowNanos(),
        time: nextNanos(),
        value: 9n,
      };
      return {
        attributes: {
          "service.namespace": namespace,
          "webrtc.meeting.id": "daily",
          "webrtc.participant.id": "ann",
        },
        metrics: [{ name: "webrtc.io", unit: "By", sum: [point] }],
      };
    });
    try {
      expect((await postMetrics(origin, otlpRequest(pages))).status).toBe(200);
    } finally {
      await command.stop();
    }
    const run = (...args: readonly string[]): Promise<CommandOutcome> =>
      runCommand(["forget", "--participant", "ann", ...args], { SHARDS: "2", ...environment });
    for (const dry of [[], ["--dry-run"]]) {
      const refused = await run(...dry);
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toMatch(
        /several namespaces.*\n.*namespace "bank"\n.*namespace "shop"\n.*nothing was changed/,
      );
    }
    const shop = await run("--namespace", "shop");
    expect(shop).toMatchObject({ code: 0, stderr: "" });
    expect(shop.stdout).toMatch(/^erased "ann" of namespace "shop": 1 series in 1 meeting\n {2}namespace "shop"\n/);
    // Only one is left, and needs no name.
    const bank = await run();
    expect(bank).toMatchObject({ code: 0, stderr: "" });
    expect(bank.stdout).toMatch(/^erased "ann" of namespace "bank": 1 series in 1 meeting\n/);
    const nobody = await run();
    expect(nobody.stdout).toMatch(
      /^nothing is stored of "ann"\nnothing was changed\nwhat still comes of them is counted by/,
    );
    const database = new DatabaseSync(join(directory, "bandwidth.db"), { readOnly: true });
    const noted = database.prepare("SELECT COUNT(*) AS noted FROM erased_participants").get();
    database.close();
    expect(noted).toEqual({ noted: 2 });
    expect((await run("--all-namespaces")).stdout).toMatch(/^nothing is stored of "ann"\ntotals stay/);
  });
});

describe("the command forget", () => {
  it("says what is wrong with its arguments", () => {
    const of =
      (...args: readonly string[]) =>
      () =>
        forgetRequest(args);
    expect(of()).toThrow("--participant is needed");
    expect(of("--participant", "")).toThrow("--participant is needed");
    expect(of("--participant", "__erased__")).toThrow("no name to erase");
    expect(of("--participant", "ann", "--meeting", "")).toThrow("--meeting: expected");
    expect(of("--participant", "ann", "bob")).toThrow();
    expect(of("--participant=ann", "--namespace=", "--all-namespaces")).toThrow("either --namespace or");
    const plain = { isEveryNamespace: false, isDryRun: false };
    expect(of("--participant=-x", "--meeting=m")()).toEqual({ participantId: "-x", meetingId: "m", ...plain });
    expect(of("--participant=x", "--namespace=")()).toEqual({ participantId: "x", namespace: "", ...plain });
  });

  it("exits with 2 for bad arguments and 3 when the totals are out of reach, and makes nothing there", async () => {
    expect(await runCommand(["forget"], {})).toMatchObject({ code: 2, stdout: "" });
    const nowhere = join(stores.folder, "nowhere");
    const missing = await runCommand(["forget", "--participant", "ann"], { DATA_DIR: nowhere });
    expect(missing).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("set DATA_DIR") });
    const refused = await runCommand(["forget", "--participant", "ann"], { MYSQL_URL: "mysql://a:b@127.0.0.1:1/x" });
    expect(refused).toMatchObject({ code: 3, stdout: "" });
  });
});
