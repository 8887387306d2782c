/** Counts commits that moved a shard on: those of nothing, which every persist interval has, are not told from SQL's own counts. */
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";

const INTERVAL_MILLIS = 200;

/** Watches from its making until `end`. Of two commits of one shard within a fifth of a second it sees one. */
export class CommitWatch {
  /** So far, of all shards. */
  commits = 0;
  readonly #lastIds = new Map<number, string>();
  readonly #timer: NodeJS.Timeout;
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#timer = setInterval(() => void this.look(), INTERVAL_MILLIS);
  }

  /** Watches the database at this address. */
  static async start(url: string): Promise<CommitWatch> {
    return new CommitWatch(await createConnection({ uri: url }));
  }

  /** Looks now. What fails is looked for again. */
  async look(): Promise<void> {
    const query = "SELECT shard, generation, last_id FROM ingest_offset";
    const [rows] = await this.#connection.query<RowDataPacket[]>(query).catch(() => [[]]);
    for (const row of rows) {
      const [shard, at] = [Number(row["shard"]), `${row["generation"]}:${row["last_id"]}`];
      const before = this.#lastIds.get(shard);
      if (before !== undefined && before !== at) this.commits += 1;
      this.#lastIds.set(shard, at);
    }
  }

  /** Looks no more. */
  end(): void {
    clearInterval(this.#timer);
    this.#connection.destroy();
  }
}
