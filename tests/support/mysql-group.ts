/**
 * Three private members of MySQL 9.7 in one replicated group (Group Replication, one primary), on the loopback interface:
 * tests of fail-over end them, hold them still, wake them up and let them come back. About 15 s to start, 2 GB of memory.
 */
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RowDataPacket, createConnection } from "mysql2/promise";
import { freePort } from "./free-port.ts";
import { outputOf } from "./debian-unstable.ts";
import { mysql97Obstacle, mysql97Root } from "./mysql97.ts";
import { type PrivateSqlServer, type SqlServer, TEST_USER_SQL, startSqlServer } from "./sql-server.ts";

/** What `performance_schema.replication_group_members` says of a member. */
export type MemberState = "ONLINE" | "RECOVERING" | "OFFLINE" | "ERROR" | "UNREACHABLE";

/** One member: a server process of our own. After `kill` or `shutDown` it is `rejoin` that starts it. */
export type GroupMember = PrivateSqlServer;

/** A running group. */
export interface MysqlGroup extends SqlServer {
  /** Whatever state they are in. */
  readonly members: readonly GroupMember[];
  /** All members, of a user who may do everything, without a database: `mysql://test@h1:p1,h2:p2,h3:p3`. */
  readonly url: string;
  /** Makes an empty database and returns its URL, which names all members. */
  createDatabase(): Promise<string>;
  /** The member that takes writes, waited for. Rejects when the group has none in time. */
  primary(): Promise<GroupMember>;
  /** What each member says of itself; undefined: it does not answer. */
  states(): Promise<readonly (MemberState | undefined)[]>;
  /** Starts a member's process where it ended, has it join again and waits until it is ONLINE. */
  rejoin(member: GroupMember): Promise<void>;
  /**
   * Has every member join that is not in the group. Resolves when each has seen all of them ONLINE, under one primary, for
   * `forMillis`: one that slept looks well until it hears that it was thrown out.
   */
  restore(forMillis?: number): Promise<void>;
}

/** How a group is started. */
export interface MysqlGroupOptions {
  /** Every member takes writes. Default: one does. */
  readonly multiPrimary?: boolean;
  /** Further options of each `mysqld`. */
  readonly serverOptions?: readonly string[];
}

const MEMBERS = 3;
const WAIT_MILLIS = 120_000;
const POLL_MILLIS = 200;
/** Where groups keep their data, as a member in its root sees it; the number of the process that made it follows. */
const FOLDER = "/srv";
const FOLDER_PREFIX = "otel-bandwidth-group-";

/** Of `TEST_MYSQL_GROUP`, which `npm run test:mysql` sets: why tests of a group are left out; undefined when they run. */
export function mysqlGroupObstacle(): string | undefined {
  if (!process.env["TEST_MYSQL_GROUP"]) return "only in npm run test:mysql, or with TEST_MYSQL_GROUP=yes";
  return mysql97Obstacle();
}

/** Starts a group and waits until every member is ONLINE. Throws saying what failed. */
export async function startMysqlGroup(options: MysqlGroupOptions = {}): Promise<MysqlGroup> {
  const root = mysql97Root();
  removeLeftovers(root);
  const folder = `${FOLDER}/${FOLDER_PREFIX}${process.pid}-${randomUUID().slice(0, 8)}`;
  const clean = (): void => rmSync(join(root, folder), { recursive: true, force: true });
  const members: GroupMember[] = [];
  try {
    makeData(root, folder);
    const ports = await Promise.all(Array.from({ length: MEMBERS }, () => freePort()));
    const common = [...groupOptions(ports, options), ...(options.serverOptions ?? [])];
    const starting = ports.map((port, index) =>
      startMember(root, join(folder, `member-${index + 1}`), index + 1, port, common),
    );
    for (const started of await Promise.allSettled(starting)) {
      if (started.status === "fulfilled") members.push(started.value);
    }
    const [first, ...others] = await Promise.all(starting);
    await command(first!.url, RECOVERY_USER, "SET GLOBAL group_replication_bootstrap_group = ON");
    await command(first!.url, "START GROUP_REPLICATION", "SET GLOBAL group_replication_bootstrap_group = OFF");
    const group = new Group(members, clean);
    for (const member of others) await group.rejoin(member);
    await group.restore();
    return group;
  } catch (error) {
    await Promise.all(members.map((member) => member.stop()));
    clean();
    throw error;
  }
}

class Group implements MysqlGroup {
  readonly members: readonly GroupMember[];
  readonly url: string;
  readonly #clean: () => void;
  readonly #ended = new WeakSet<GroupMember>();

  constructor(members: readonly GroupMember[], clean: () => void) {
    this.members = members;
    this.url = `mysql://test@${members.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
    this.#clean = clean;
    for (const member of members) this.#rememberItsEnd(member);
  }

  async createDatabase(): Promise<string> {
    const made = await (await this.primary()).createDatabase();
    return `${this.url}${new URL(made).pathname}`;
  }

  async primary(): Promise<GroupMember> {
    return await until("a primary", async () => {
      const views = await Promise.all(this.members.map((member) => view(member)));
      const votes = views.map((seen, index) => {
        const takesPart = stateIn(seen, this.members[index]!) === "ONLINE";
        return takesPart ? primaryIn(seen ?? []) : undefined;
      });
      // One that slept takes itself for the primary until it hears otherwise: those that take part must agree.
      return this.members.find(
        ({ port }, index) => votes[index] === port && votes.every((vote) => vote === undefined || vote === port),
      );
    });
  }

  async states(): Promise<readonly (MemberState | undefined)[]> {
    return await Promise.all(this.members.map(async (member) => stateIn(await view(member), member)));
  }

  async rejoin(member: GroupMember): Promise<void> {
    await until(`member ${member.port} to join`, async () =>
      (await this.#askToJoin(member)) === "ONLINE" ? true : undefined,
    );
  }

  async restore(forMillis: number = 0): Promise<void> {
    let wholeSince: number | undefined;
    await until("every member to be in the group", async () => {
      if (await this.#isWhole()) {
        wholeSince ??= performance.now();
        return performance.now() - wholeSince >= forMillis ? true : undefined;
      }
      wholeSince = undefined;
      for (const member of this.members) await this.#askToJoin(member);
      return undefined;
    });
  }

  /** Whether every member sees all of them ONLINE, and the same primary. */
  async #isWhole(): Promise<boolean> {
    const views = await Promise.all(this.members.map((member) => view(member)));
    const primaries = new Set(views.map((seen) => primaryIn(seen ?? [])));
    const allOnline = views.every((seen) => seen?.filter(({ state }) => state === "ONLINE").length === MEMBERS);
    return allOnline && primaries.size === 1 && !primaries.has(undefined);
  }

  /** The state of a member, which is told to join when it does not. */
  async #askToJoin(member: GroupMember): Promise<MemberState | undefined> {
    if (this.#ended.delete(member)) await member.start();
    const state = stateIn(await view(member), member);
    if (state === "ONLINE" || state === "RECOVERING") return state;
    // It may still be leaving, or trying by itself: the next round asks again.
    await command(member.url, "STOP GROUP_REPLICATION", RECOVERY_USER, "START GROUP_REPLICATION").catch(
      () => undefined,
    );
    return state;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    this.#clean();
  }

  #rememberItsEnd(member: GroupMember): void {
    for (const end of ["kill", "shutDown"] as const) {
      const original = member[end].bind(member);
      member[end] = async () => {
        this.#ended.add(member);
        await original();
      };
    }
  }
}

interface Seen {
  readonly port: number;
  readonly state: MemberState;
  readonly role: "PRIMARY" | "SECONDARY" | "";
}

function stateIn(seen: readonly Seen[] | undefined, { port }: GroupMember): MemberState | undefined {
  return seen?.find((member) => member.port === port)?.state;
}

/** The port of the primary that a member sees, with a majority that it can reach. */
function primaryIn(seen: readonly Seen[]): number | undefined {
  const online = seen.filter(({ state }) => state === "ONLINE");
  return online.length * 2 > seen.length ? online.find(({ role }) => role === "PRIMARY")?.port : undefined;
}

/** The group as a member sees it; undefined when it does not answer. */
async function view(member: GroupMember): Promise<readonly Seen[] | undefined> {
  try {
    const connection = await createConnection({ uri: member.url, connectTimeout: 1000 });
    try {
      const [rows] = await connection.query<RowDataPacket[]>({
        sql: `SELECT MEMBER_PORT AS port, MEMBER_STATE AS state, MEMBER_ROLE AS role
          FROM performance_schema.replication_group_members`,
        timeout: 1000,
      });
      return rows as unknown as readonly Seen[];
    } finally {
      connection.destroy();
    }
  } catch {
    return undefined;
  }
}

async function command(url: string, ...statements: readonly string[]): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    connection.destroy();
  }
}

const RECOVERY_USER =
  "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'test', SOURCE_PASSWORD = '' FOR CHANNEL 'group_replication_recovery'";

async function until<T>(what: string, found: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + WAIT_MILLIS;
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`waited ${WAIT_MILLIS} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
}

/** One folder of data for each member, made once and copied: the user is part of it, so no member's own history begins with it. */
function makeData(root: string, folder: string): void {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, "init.sql"), TEST_USER_SQL);
  const template = `${folder}/member-1`;
  outputOf("chroot", [
    root,
    "mysqld",
    "--no-defaults",
    "--user=root",
    `--datadir=${template}`,
    "--initialize-insecure",
    `--init-file=${folder}/init.sql`,
    ...SMALL,
  ]);
  // Each server makes an identity of its own.
  rmSync(join(root, template, "auto.cnf"), { force: true });
  for (let member = 2; member <= MEMBERS; member += 1) {
    cpSync(join(root, template), join(root, folder, `member-${member}`), { recursive: true });
  }
}

/** A process that was killed leaves its folder, of 100 MB a member. */
function removeLeftovers(root: string): void {
  for (const name of readdirSync(join(root, FOLDER))) {
    const [, pid] = new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid)))
      rmSync(join(root, FOLDER, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const SMALL = ["--innodb-buffer-pool-size=64M", "--innodb-redo-log-capacity=16M"];

function groupOptions(ports: readonly number[], { multiPrimary = false }: MysqlGroupOptions): readonly string[] {
  return [
    "--plugin-load-add=group_replication.so",
    `--loose-group-replication-group-name=${randomUUID()}`,
    "--loose-group-replication-start-on-boot=OFF",
    // By the members' own ports: the group needs no others, which might be taken while one is down.
    "--loose-group-replication-communication-stack=MYSQL",
    `--loose-group-replication-group-seeds=${ports.map((port) => `127.0.0.1:${port}`).join(",")}`,
    "--loose-group-replication-recovery-get-public-key=ON",
    "--loose-group-replication-consistency=BEFORE_ON_PRIMARY_FAILOVER",
    "--loose-group-replication-member-expel-timeout=0",
    "--loose-group-replication-message-cache-size=134217728",
    `--loose-group-replication-single-primary-mode=${multiPrimary ? "OFF" : "ON"}`,
    `--loose-group-replication-enforce-update-everywhere-checks=${multiPrimary ? "ON" : "OFF"}`,
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--innodb-flush-log-at-trx-commit=1",
    "--sync-binlog=1",
    "--report-host=127.0.0.1",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    ...SMALL,
  ];
}

async function startMember(
  root: string,
  data: string,
  serverId: number,
  port: number,
  common: readonly string[],
): Promise<GroupMember> {
  return await startSqlServer(
    {
      command: "chroot",
      arguments: () => [
        root,
        "mysqld",
        "--no-defaults",
        "--user=root",
        `--datadir=${data}`,
        `--socket=${data}/s.sock`,
        `--pid-file=${data}/pid`,
        `--port=${port}`,
        `--report-port=${port}`,
        `--server-id=${serverId}`,
        `--loose-group-replication-local-address=127.0.0.1:${port}`,
        ...common,
      ],
      clean: async () => rmSync(join(root, data), { recursive: true, force: true }),
    },
    port,
  );
}
