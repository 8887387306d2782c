/** What a session is left with after a lock was held on it: it goes back to a pool whose other use is commits. */
import { describe, expect, it } from "vitest";
import { withMysqlLock } from "../../src/rollup/mysql-lock.ts";
import type { MysqlRow, MysqlSession } from "../../src/rollup/mysql-session.ts";

/** A session that keeps what is sent on it. */
class RecordedSession {
  readonly sent: string[] = [];
  isGivenUp = false;
  readonly #groupName: string;
  readonly #lockIsFree: boolean;

  constructor(groupName: string, lockIsFree: boolean = true) {
    this.#groupName = groupName;
    this.#lockIsFree = lockIsFree;
  }

  async command(sql: string): Promise<void> {
    if (this.isGivenUp) throw new Error("the connection was given up");
    this.sent.push(sql);
  }

  async rows(sql: string): Promise<readonly MysqlRow[]> {
    if (sql.includes("GET_LOCK")) return [{ got: this.#lockIsFree ? 1 : 0 }];
    if (sql.includes("RELEASE_LOCK")) this.sent.push("RELEASE_LOCK");
    if (!sql.includes("SHOW GLOBAL VARIABLES")) return [];
    return [{ Variable_name: "group_replication_group_name", Value: this.#groupName }];
  }

  giveUp(): void {
    this.isGivenUp = true;
  }
}

const run = (session: RecordedSession, work: () => Promise<string>): Promise<string | undefined> =>
  withMysqlLock(session as unknown as MysqlSession, "maintain", 0, work);

const WAITS = "SET SESSION group_replication_consistency = 'BEFORE'";
const WAITS_NO_MORE = "SET SESSION group_replication_consistency = DEFAULT";

describe("a session in a group, after a lock was held on it,", () => {
  it("waits for the others no longer than the server says", async () => {
    const session = new RecordedSession("group");
    expect(await run(session, async () => "done")).toBe("done");
    expect(session.sent).toEqual([WAITS, "RELEASE_LOCK", WAITS_NO_MORE]);
  });

  it("neither does where the work failed, or the lock was another's", async () => {
    const failed = new RecordedSession("group");
    await expect(run(failed, () => Promise.reject(new Error("no table")))).rejects.toThrow("no table");
    expect(failed.sent.at(-1)).toBe(WAITS_NO_MORE);
    const refused = new RecordedSession("group", false);
    expect(await run(refused, async () => "done")).toBeUndefined();
    expect(refused.sent).toEqual([WAITS, WAITS_NO_MORE]);
  });

  it("is given up where that cannot be set", async () => {
    const session = new RecordedSession("group");
    const work = async (): Promise<string> => {
      session.command = () => Promise.reject(new Error("a transaction is open"));
      return "done";
    };
    expect(await run(session, work)).toBe("done");
    expect(session.isGivenUp).toBe(true);
  });
});

it("leaves a session alone where there is no group", async () => {
  const session = new RecordedSession("");
  expect(await run(session, async () => "done")).toBe("done");
  expect(session.sent).toEqual(["RELEASE_LOCK"]);
});
