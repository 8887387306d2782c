/** `examples/cluster` does what its README says: it runs, a process is killed, and in the end everything is stored once. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { endsWithUs } from "../support/ends-with-us.ts";
import { missingPrograms } from "./needed-programs.ts";

const START = fileURLToPath(new URL("../../examples/cluster/start.ts", import.meta.url));
const missing = await missingPrograms();

describe.skipIf(missing !== "")(`examples/cluster${missing}`, () => {
  it("says what is where, starts what was killed, and stores what it acknowledged", { timeout: 120_000 }, async () => {
    const options = ["--sql", "mariadb", "--seconds", "4", "--kill", "receiver-1"];
    const child = spawn(process.execPath, [START, ...options], { stdio: ["ignore", "pipe", "pipe"] });
    endsWithUs(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code, output).toBe(0);
    expect(output).toMatch(/redis-5 +pid \d+ +127\.0\.0\.1:\d+/);
    expect(output).toMatch(/shard 0: folded by .*, its log on redis-\d/);
    expect(output).toMatch(/receiver-1 runs again/);
    expect(output).toMatch(/acknowledged (\d+), stored \1, lost 0, doubled 0/);
  });
});
