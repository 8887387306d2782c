import { expect, it, vi } from "vitest";
import type { PoolConnection } from "mysql2/promise";
import { systemClock } from "../../src/model/clock.ts";
import { MysqlSession } from "../../src/rollup/mysql-session.ts";
import { StatementCounter } from "../../src/rollup/statement-counter.ts";

it("sends nothing more on a connection that was given up, so that no rejection is left to end the process", async () => {
  const send = vi.fn(() => Promise.reject(new Error("connection is in closed state")));
  const connection = { execute: send, query: send } as unknown as PoolConnection;
  const options = { clock: systemClock, statementTimeoutMillis: 1000, counter: new StatementCounter() };
  const session = new MysqlSession(connection, options);
  session.giveUp();
  await expect(session.rows("SELECT 1", [])).rejects.toThrow("the connection was given up");
  await expect(session.run("DELETE FROM series", [])).rejects.toThrow("the connection was given up");
  await expect(session.command("COMMIT")).rejects.toThrow("the connection was given up");
  expect(send).not.toHaveBeenCalled();
});
