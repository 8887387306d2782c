/** `npm run test:mysql`: the SQL tests against MySQL 9.7 LTS, not MariaDB. Ends with vitest's own summary and status. */
import { spawn } from "node:child_process";
import { mysql97Obstacle, startMysql97 } from "./mysql97.ts";

async function main(): Promise<number> {
  const obstacle = mysql97Obstacle();
  if (obstacle !== undefined) {
    process.stderr.write(`${obstacle}\n`);
    return 1;
  }
  const server = await startMysql97();
  try {
    const url = new URL(await server.createDatabase());
    url.pathname = "/";
    return await runVitest(url.href);
  } finally {
    await server.stop();
  }
}

async function runVitest(url: string): Promise<number> {
  const child = spawn(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "tests/rollup", ...process.argv.slice(2)],
    {
      cwd: new URL("../..", import.meta.url),
      stdio: "inherit",
      env: { ...process.env, TEST_MYSQL_URL: url },
    },
  );
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
