/**
 * `npm run test:mysql`: the SQL tests and some rows of the fault matrix against MySQL 9.7 LTS, not MariaDB, and the
 * tests and scale runs of a replicated group. With the option `faults` only those rows, with other options, which go to vitest, only
 * the tests.
 */
import { spawn } from "node:child_process";
import { mysql97Obstacle, startMysql97 } from "./mysql97.ts";

/** Rows of the fault matrix in which the SQL server has a part. */
const FAULTS: readonly string[] = [
  "kill -9 at random",
  "two receivers, one asleep",
  "migration race",
  "connection lost in COMMIT",
  "partition receiver - SQL",
  "starts with the clock",
  "SQL server restart",
  "deadlock",
  "lock wait timeout",
  "SQL server read-only",
  "SQL server held still",
  "SIGTERM while the SQL server",
];

/** Rows of the scale runs in which the group has a part. */
const SCALE: readonly string[] = ["MySQL primary", "everything at random"];

async function main(): Promise<number> {
  const obstacle = mysql97Obstacle();
  if (obstacle !== undefined) {
    process.stderr.write(`${obstacle}\n`);
    return 1;
  }
  const options = process.argv.slice(2);
  if (options.length === 1 && options[0] === "faults") return await runFaults();
  const tests = await runTests(options);
  if (tests !== 0 || options.length > 0) return tests;
  const faults = await runFaults();
  const scale = await runNode(["tests/scale/main.ts", "--short", ...SCALE.flatMap((name) => ["--fault", name])], {});
  return faults || scale;
}

async function runTests(options: readonly string[]): Promise<number> {
  const server = await startMysql97();
  try {
    const url = new URL(await server.createDatabase());
    url.pathname = "/";
    const vitest = [
      "node_modules/vitest/vitest.mjs",
      "run",
      "tests/rollup",
      "tests/grafana",
      "tests/support",
      ...options,
    ];
    return await runNode(vitest, { TEST_MYSQL_URL: url.href, TEST_MYSQL_GROUP: "yes" });
  } finally {
    await server.stop();
  }
}

function runFaults(): Promise<number> {
  const options = ["--short", "--bundled", "--backend", "servers", "--sql", "mysql97"];
  return runNode(["tests/faults/main.ts", ...options, ...FAULTS.flatMap((name) => ["--fault", name])], {});
}

async function runNode(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, args, {
    cwd: new URL("../..", import.meta.url),
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`npm run test:mysql: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
