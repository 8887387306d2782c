/** The SQL side of the scale runs: one MariaDB, or three members of MySQL 9.7 that replicate as a group. */
import { startPrivateMariadb } from "../support/mariadb-server.ts";
import { type GroupMember, startMysqlGroup } from "../support/mysql-group.ts";
import type { Victim } from "./victim.ts";

/** Which one. */
export type SqlKind = "mariadb" | "group";

/** One server. */
export interface SqlMember extends Victim {
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number | undefined;
}

/** What receivers keep totals in. */
export interface ScaleSql {
  readonly members: readonly SqlMember[];
  /** Makes an empty database; the setting `MYSQL_URL` of receivers. */
  createDatabase(): Promise<string>;
  /** The address of such a database at the server that takes writes now. */
  primaryUrl(databaseUrl: string): Promise<string>;
  /** The server that takes writes now, waited for. */
  primary(): Promise<SqlMember>;
  /** Resolves when every member is in order, and has been for `forMillis`; one that left the group joins again. */
  ok(forMillis?: number): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

/** Starts it. Rejects when there is none to run. */
export async function startScaleSql(kind: SqlKind): Promise<ScaleSql> {
  return kind === "group" ? await startGroup() : await startOne();
}

async function startOne(): Promise<ScaleSql> {
  const server = await startPrivateMariadb();
  return {
    members: [server],
    createDatabase: () => server.createDatabase(),
    primaryUrl: async (databaseUrl) => databaseUrl,
    primary: async () => server,
    // It answers as soon as it has started.
    ok: async () => undefined,
    stop: () => server.stop(),
  };
}

async function startGroup(): Promise<ScaleSql> {
  const group = await startMysqlGroup();
  const members = group.members.map((member) => memberOf(member, () => group.rejoin(member)));
  const primary = async (): Promise<SqlMember> => members[group.members.indexOf(await group.primary())]!;
  return {
    members,
    createDatabase: () => group.createDatabase(),
    async primaryUrl(databaseUrl) {
      const database = databaseUrl.slice(databaseUrl.lastIndexOf("/"));
      return `mysql://test@127.0.0.1:${(await primary()).port}${database}`;
    },
    primary,
    ok: (forMillis) => group.restore(forMillis),
    stop: () => group.stop(),
  };
}

function memberOf(member: GroupMember, rejoin: () => Promise<void>): SqlMember {
  return {
    port: member.port,
    get pid() {
      return member.pid;
    },
    kill: () => member.kill(),
    start: rejoin,
    freeze: () => member.freeze(),
    thaw: () => member.thaw(),
  };
}
