#!/usr/bin/env node
/**
 * The command `otel-bandwidth`: reads its arguments and runs one of the commands. Bad arguments and settings end it with 2,
 * a command that failed with 1.
 */
import { readFileSync } from "node:fs";
import { messageOf } from "../model/result.ts";
import { UsageError } from "./usage-error.ts";

/** A command: its arguments, and the exit code it ends with. */
type Command = (args: readonly string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  serve: {
    summary: "run the receiver (the default)",
    load: async () => (await import("./serve.ts")).serve,
  },
  demo: {
    summary: "run the receiver, a sample API and a load, and compare the bytes  [--seconds 60]",
    load: async () => (await import("./demo.ts")).demo,
  },
  migrate: {
    summary: "bring the schema up, down or show it  [up | down [--to N] | status]",
    load: async () => (await import("./migrate-command.ts")).migrateCommand,
  },
  doctor: {
    summary: "check settings, Redis, SQL, clock and ports, and say how to mend them",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  verify: {
    summary: "prove the totals against themselves and the log, beside running receivers  [--json]",
    load: async () => (await import("./verify.ts")).verify,
  },
  reshard: {
    summary: "change the number of shards, while receivers run  --to N",
    load: async () => (await import("./reshard.ts")).reshard,
  },
  dashboards: {
    summary: "write Grafana's dashboards, alert rules and data source  --out DIR [--force]",
    load: async () => (await import("./dashboards.ts")).dashboards,
  },
  token: {
    summary: "make a token for a page  --meeting M --participant P [--tenant T] [--role admin] [--expires-in 1h]",
    load: async () => (await import("./token-command.ts")).tokenCommand,
  },
  bill: {
    summary:
      "what a month's participants used and its relay cost  --month 2026-11 [--by meeting|participant|service] [--namespace N] [--format table|csv|json]",
    load: async () => (await import("./bill.ts")).bill,
  },
  totals: {
    summary:
      "sums over all databases  --from 2026-11-01 --to 2026-11-08 [--by service|route|meeting] [--format table|csv|json]",
    load: async () => (await import("./totals-command.ts")).totalsCommand,
  },
  forget: {
    summary:
      "erase a person from the totals, beside running receivers  --participant ID [--meeting ID] [--namespace N | --all-namespaces] [--dry-run]",
    load: async () => (await import("./forget.ts")).forget,
  },
};

const HELP = `otel-bandwidth: what your traffic weighs and what it costs

usage: otel-bandwidth [command] [options]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join("\n")}

  --help     show this
  --version  show the version

Settings are environment variables: see the README.
`;

async function run(args: readonly string[]): Promise<number> {
  const [first = "serve", ...rest] = args;
  if (args.includes("--help") || first === "help") return print(HELP);
  if (first === "--version") return print(`${version()}\n`);
  const name = first.startsWith("-") ? "serve" : first;
  const command = COMMANDS[name];
  if (!command) throw new UsageError(`there is no command ${JSON.stringify(name)}`);
  return (await command.load())(first.startsWith("-") ? args : rest);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function isUsageFault(error: unknown): boolean {
  return (
    error instanceof UsageError ||
    (error instanceof Error && String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS"))
  );
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const lines = error instanceof Error ? error.message.split("\n") : [messageOf(error)];
  for (const line of lines) process.stderr.write(`otel-bandwidth: ${line}\n`);
  if (isUsageFault(error)) process.stderr.write("otel-bandwidth: see otel-bandwidth --help\n");
  process.exitCode = isUsageFault(error) ? 2 : 1;
}
