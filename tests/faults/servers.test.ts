/** The fault matrix, a short round: receivers on Redis and MariaDB. */
import { afterAll, beforeAll, describe } from "vitest";
import { findProgram } from "../support/mariadb-server.ts";
import { testShortRound } from "./short-round.ts";
import { Servers } from "./stores.ts";

/** Faults end, freeze and restart the servers: those of `TEST_REDIS_URL` and `TEST_MYSQL_URL` are not ours to do so. */
const missing = await missingPrograms();

async function missingPrograms(): Promise<string> {
  const names = ["redis-server", "mariadbd"];
  const found = await Promise.all(names.map((name) => findProgram(name)));
  const lacking = names.filter((_, at) => found[at] === undefined);
  return lacking.length === 0 ? "" : ` (left out: ${lacking.join(" and ")} must be installed)`;
}

describe.skipIf(missing !== "")(`what a receiver on servers acknowledged is stored once, after${missing}`, () => {
  let servers: Servers | undefined;
  beforeAll(async () => {
    servers = await Servers.start();
  });
  afterAll(async () => {
    await servers?.stop();
  });
  testShortRound("servers", () => servers);
});
