import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { runCommand } from "../support/command.ts";

const SEE_HELP = "otel-bandwidth: see otel-bandwidth --help";

it("--help and help show every command and exit with 0", async () => {
  const [option, command] = await Promise.all([runCommand(["--help"]), runCommand(["help"])]);
  expect(option).toMatchObject({ code: 0, stderr: "" });
  expect(command).toEqual(option);
  for (const name of ["serve", "demo", "migrate", "doctor", "verify", "dashboards"])
    expect(option.stdout).toMatch(new RegExp(`^  ${name} +\\w`, "m"));
});

it("--version prints the version of the package", async () => {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(await runCommand(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
});

it.each<[string, readonly string[], RegExp]>([
  ["an unknown command", ["sevre"], /^otel-bandwidth: there is no command "sevre"$/],
  ["an unknown option", ["--prot", "1"], /^otel-bandwidth: Unknown option '--prot'/],
  ["an unknown option of a command", ["doctor", "--fix"], /^otel-bandwidth: Unknown option '--fix'/],
  ["an argument too many", ["serve", "now"], /^otel-bandwidth: Unexpected argument 'now'/],
  [
    "an unknown action",
    ["migrate", "sideways"],
    /^otel-bandwidth: migrate: expected up, down or status \(got sideways\)$/,
  ],
  ["a way back without its end", ["migrate", "down"], /^otel-bandwidth: migrate down: --to N is needed/],
])("%s ends with 2 and one clear line", async (_name, args, expected) => {
  const { code, stdout, stderr } = await runCommand(args);
  expect([code, stdout]).toEqual([2, ""]);
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toEqual([expect.stringMatching(expected), SEE_HELP]);
});

it("wrong settings end with 2 and are all listed", async () => {
  const { code, stderr } = await runCommand([], { SHARDS: "0", OTLP_HOST: "", METRICS_BATCH_SIZE: "many" });
  expect(code).toBe(2);
  expect(stderr.trimEnd().split("\n")).toEqual([
    'otel-bandwidth: METRICS_BATCH_SIZE: expected a whole number from 1 to 10000 (got "many")',
    'otel-bandwidth: SHARDS: expected a whole number from 1 to 1024 (got "0")',
    SEE_HELP,
  ]);
});
