import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { TYPE_STRIPPING } from "./support/type-stripping.ts";

const TIMEOUT_MILLIS = 60_000;
const WARM_UP = 20_000;
const REQUESTS = 50_000;
/** What is kept of one request would be at least this much. */
const SMALLEST_OBJECT_BYTES = 16;

/** Node 22 writes an answer in two pieces, which the connection in memory takes for two answers. */
const writesOnce = Number(process.versions.node.split(".")[0]) >= 24;

test.runIf(writesOnce).for(["cells", "sdk"])(
  "keeps nothing of a request that is over: %s",
  { timeout: TIMEOUT_MILLIS },
  async (kind) => {
    const child = fork(
      fileURLToPath(new URL("memory-process.ts", import.meta.url)),
      [kind, WARM_UP, REQUESTS].map(String),
      {
        execArgv: [...TYPE_STRIPPING, "--expose-gc"],
      },
    );
    const [report] = (await once(child, "message")) as [{ grownBytes: number; requests: number; faults: number }];
    expect(report).toMatchObject({ requests: WARM_UP + REQUESTS, faults: 0 });
    expect(report.grownBytes).toBeLessThan(REQUESTS * SMALLEST_OBJECT_BYTES);
  },
);
