/** The SQL side of the scale runs: one MariaDB, or three MySQL members that replicate as a group. */
import { startPrivateMariadb } from "../support/mariadb-server.ts";
import type { Victim } from "./victim.ts";

/** Which one. */
export type SqlKind = "mariadb" | "group";

/** What receivers keep totals in. */
export interface ScaleSql {
  readonly kind: SqlKind;
  /** Makes an empty database; the setting `MYSQL_URL` of receivers. */
  createDatabase(): Promise<string>;
  /** The address of a database where it can be read and written now. */
  primaryUrl(databaseUrl: string): Promise<string>;
  /** What takes writes now. */
  primary(): Promise<Victim>;
  /** Resolves when every member is in order again. */
  ok(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

/** Starts it. */
export async function startScaleSql(kind: SqlKind): Promise<ScaleSql> {
  if (kind === "group") throw new Error("not yet");
  const server = await startPrivateMariadb();
  return {
    kind,
    createDatabase: () => server.createDatabase(),
    primaryUrl: async (databaseUrl) => databaseUrl,
    primary: async () => server,
    // It answers as soon as it has started.
    ok: async () => undefined,
    stop: () => server.stop(),
  };
}
