/** `npm run test:valkey`: the tests of the log and of realtime against Valkey 9.1, not the machine's Redis. Options go to vitest. */
import { spawnSync } from "node:child_process";
import { outputOf } from "./debian-unstable.ts";
import { valkey91, valkey91Obstacle } from "./valkey91.ts";

const TESTS = ["tests/log", "tests/realtime"];

function main(options: readonly string[]): number {
  const obstacle = valkey91Obstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  process.stdout.write(outputOf(valkey91().command[0]!, [...valkey91().command.slice(1), "--version"]));
  const vitest = ["node_modules/vitest/vitest.mjs", "run", ...(options.length > 0 ? options : TESTS)];
  const { status } = spawnSync(process.execPath, vitest, {
    cwd: new URL("../..", import.meta.url),
    stdio: "inherit",
    env: { ...process.env, TEST_REDIS_URL: "", TEST_REDIS_PROGRAM: "valkey-9.1" },
  });
  return status ?? 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`npm run test:valkey: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
