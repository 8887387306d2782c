/**
 * `npm run http:table`: runs every scenario and prints what was on the wire, what we counted, and what `Content-Length` would
 * have said. Ends with 1 when a count is wrong.
 */

import { parseArgs } from "node:util";
import { SCENARIOS } from "./all.ts";
import { judge, valueOf, type Field, type Outcome, type Scenario, type Verdict } from "./scenario.ts";

const NAME_WIDTH = 62;
const NUMBER_WIDTH = 10;

const { values: options } = parseArgs({ options: { only: { type: "string" } } });

function cell(value: number | string | undefined): string {
  return String(value ?? "-").padStart(NUMBER_WIDTH);
}

function figures({ truth, counted, guessed }: Outcome): string {
  const pair = (field: Field, present: boolean): string =>
    present ? cell(valueOf(truth, field)) + cell(valueOf(counted, field)) : cell(undefined) + cell(undefined);
  return [
    pair("requestBodies", true) + cell(guessed.request),
    pair("responseBodies", true) + cell(guessed.response),
    pair("messagesReceived", truth.messages !== undefined) + pair("messagesTransmitted", truth.messages !== undefined),
    pair("connectionReceived", truth.connection !== undefined) +
      pair("connectionTransmitted", truth.connection !== undefined),
  ].join(" |");
}

function verdictText(scenario: Scenario, { kind, faults }: Verdict): string {
  if (kind === "exact") return "exact";
  return kind === "bounded" ? `within ${scenario.bound?.name}` : `WRONG ${faults.join("; ")}`;
}

function heading(): string {
  const columns = (names: readonly string[]): string => names.map((name) => name.padStart(NUMBER_WIDTH)).join("");
  const wide = (names: readonly string[], width: number): string =>
    names.map((name) => name.padStart(width * NUMBER_WIDTH)).join("");
  const groups = [
    wide(["request bodies"], 3),
    wide(["response bodies"], 3),
    wide(["messages in", "messages out"], 2),
    wide(["socket in", "socket out"], 2),
  ];
  const names = [
    columns(["wire", "ours", "length"]),
    columns(["wire", "ours", "length"]),
    columns(["wire", "ours", "wire", "ours"]),
    columns(["wire", "ours", "wire", "ours"]),
  ];
  return `${" ".repeat(NAME_WIDTH)}${groups.join(" |")}\n${"scenario".padEnd(NAME_WIDTH)}${names.join(" |")}`;
}

async function main(): Promise<void> {
  const counts = { exact: 0, bounded: 0, wrong: 0, guessedRight: 0, notHere: 0 };
  process.stdout.write(`Node ${process.versions.node}\n${heading()}\n`);
  for (const scenario of SCENARIOS) {
    const title = `${scenario.group}: ${scenario.name}`;
    if (options.only !== undefined && !title.includes(options.only)) continue;
    if (scenario.supported === false) {
      counts.notHere += 1;
      process.stdout.write(`${title.padEnd(NAME_WIDTH)} not on this Node\n`);
      continue;
    }
    const outcome = await scenario.run();
    const verdict = judge(scenario, outcome);
    counts[verdict.kind] += 1;
    const { truth, guessed } = outcome;
    if (guessed.request === valueOf(truth, "requestBodies") && guessed.response === valueOf(truth, "responseBodies"))
      counts.guessedRight += 1;
    const name = title.length < NAME_WIDTH ? title.padEnd(NAME_WIDTH) : `${title}\n${" ".repeat(NAME_WIDTH)}`;
    process.stdout.write(`${name}${figures(outcome)} |  ${verdictText(scenario, verdict)}\n`);
  }
  const all = counts.exact + counts.bounded + counts.wrong;
  process.stdout.write(
    `\n${all} scenarios: ${counts.exact} exact, ${counts.bounded} within a documented bound, ${counts.wrong} wrong; ` +
      `Content-Length has the bodies right in ${counts.guessedRight}. ${counts.notHere} are not for this Node.\n`,
  );
  process.exitCode = counts.wrong > 0 ? 1 : 0;
}

await main();
