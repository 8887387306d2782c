/**
 * A cluster on this machine: six Redis nodes, SQL, three receivers and haproxy, with a small load. Processes may be killed
 * while it runs; in the end what is stored is compared with what was acknowledged. See README.md.
 */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Load } from "../../tests/faults/load.ts";
import { ReceiverChild } from "../../tests/faults/receiver-child.ts";
import { drain } from "../../tests/faults/run-cycle.ts";
import { SeededRandom } from "../../tests/faults/seeded-random.ts";
import { compareTotals } from "../../tests/faults/totals.ts";
import { HaproxyFront } from "../../tests/scale/haproxy-front.ts";
import { pagesOf, PAGE_SETTINGS } from "../../tests/faults/pages.ts";
import type { SqlKind } from "../../tests/scale/scale-sql.ts";
import { ScaleServers } from "../../tests/scale/scale-stores.ts";
import { mysql97IsInstalled } from "../../tests/support/mysql97.ts";
import { ClusterProcesses } from "./cluster-processes.ts";
import { printStatus } from "./print-status.ts";

const { values } = parseArgs({
  options: {
    receivers: { type: "string", default: "3" },
    shards: { type: "string", default: "6" },
    sql: { type: "string", default: mysql97IsInstalled() ? "group" : "mariadb" },
    "wait-replicas": { type: "string", default: "1" },
    seconds: { type: "string" },
    kill: { type: "string", multiple: true, default: [] },
  },
});

const SENDERS = 4;
const TIMING = { retryAfterSecond: 1000, firstBackoff: 200, mostBackoff: 2000, timeout: 10_000, mostPause: 200 };
const STATUS_MILLIS = 5000;

const USAGE = `commands: kill NAME, pause NAME, wake NAME, status, end; or, in another terminal, kill -9 PID`;

// So that the servers end with us.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  print(`starting six Redis nodes, ${values.sql === "group" ? "three MySQL members" : "one MariaDB"} and haproxy`);
  const servers = await ScaleServers.start(values.sql as SqlKind);
  const stores = await servers.open(Number(values["wait-replicas"]));
  const environment = { SHARDS: values.shards, ...PAGE_SETTINGS, ...stores.environment() };
  const receivers = await Promise.all(
    Array.from({ length: Number(values.receivers) }, () =>
      ReceiverChild.create({ environment: { ...environment, METRICS_PERSIST_INTERVAL: "2000" }, imports: [] }),
    ),
  );
  const front = await HaproxyFront.open(receivers);
  try {
    for (const receiver of receivers) {
      await receiver.start();
      await receiver.ready();
    }
    const processes = new ClusterProcesses({ servers, receivers, print });
    const random = new SeededRandom(Date.now());
    const load = new Load({ origins: front.origins, random, senders: SENDERS, timing: TIMING, largestStep: 2 ** 40 });
    for (const page of pagesOf({ journal: load.journal, front, random, pages: SENDERS, timing: TIMING }))
      load.join(page);
    printPlaces(front, processes);
    const shards = Number(values.shards);
    await runUntilTheEnd(processes, () => printStatus({ stores, receivers, processes, load, shards, print }));
    print("the load ends; everything in the logs is folded");
    await load.end();
    await processes.allThere();
    await drain(receivers, stores, load);
    const verdict = compareTotals(load.journal.acknowledged, await stores.totals(), false);
    const { acknowledged, stored, lost, doubled } = verdict;
    print(`${load.journal.acknowledgedBatches} requests were acknowledged`);
    print(`acknowledged ${acknowledged}, stored ${stored}, lost ${lost}, doubled ${doubled}`);
    return verdict.differences.length === 0 ? 0 : 1;
  } finally {
    await Promise.all(receivers.map((receiver) => receiver.kill()));
    await front.close();
    await servers.stop();
  }
}

function printPlaces(front: HaproxyFront, processes: ClusterProcesses): void {
  print("");
  for (const { name, pid, place } of processes.all)
    print(`  ${name.padEnd(12)} pid ${String(pid()).padEnd(8)} ${place}`);
  const { pid, otlpPort, bridgePort } = front.haproxy;
  print(
    `  ${"haproxy".padEnd(12)} pid ${String(pid).padEnd(8)} OTLP 127.0.0.1:${otlpPort}, pages 127.0.0.1:${bridgePort}`,
  );
  print(`\nsenders and pages go to haproxy; the live page is at http://127.0.0.1:${bridgePort}/`);
  print(USAGE);
}

/** Until `end`, the end of the input, or the time that was given. */
async function runUntilTheEnd(processes: ClusterProcesses, status: () => Promise<void>): Promise<void> {
  const input = createInterface({ input: process.stdin });
  const ended = new Promise<void>((resolve) => {
    input.on("line", (line) => void (line.trim() === "end" ? resolve() : obey(line, processes, status)));
    if (values.seconds === undefined) input.once("close", resolve);
    else setTimeout(resolve, Number(values.seconds) * 1000);
  });
  await status();
  for (const name of values.kill) processes.kill(name);
  while (await Promise.race([ended.then(() => false), pause(STATUS_MILLIS, true)])) await status();
  input.close();
}

async function obey(line: string, processes: ClusterProcesses, status: () => Promise<void>): Promise<void> {
  const [verb = "", name = ""] = line.trim().split(/\s+/);
  const found = processes.named(name);
  if (verb === "status") await status();
  else if (found === undefined) print(USAGE);
  else if (verb === "kill") processes.kill(name);
  else if (verb === "pause") found.victim.freeze();
  else if (verb === "wake") found.victim.thaw();
  else print(USAGE);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
