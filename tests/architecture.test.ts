/** `src/` keeps to its own rules, and the rules catch what breaks them. */
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArchitectureRule, checkArchitecture, MAX_LINES } from "./support/architecture-rules.ts";

const root = new URL("..", import.meta.url).pathname;
const DOC = "/** A place in the flow. */\n";

function rulesBroken(file: string, source: string): ArchitectureRule[] {
  return checkArchitecture(file, source).map((violation) => violation.rule);
}

describe("the source files", () => {
  const files = globSync("src/**/*.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/"));

  it("are found", () => {
    expect(files).toContain("src/model/result.ts");
  });

  it("keep to the architecture", () => {
    const violations = files.flatMap((file) => checkArchitecture(file, readFileSync(join(root, file), "utf8")));
    expect(violations).toEqual([]);
  });
});

describe("the architecture rules", () => {
  it("let a file pass that breaks none", () => {
    const source = `${DOC}import type { Result } from "../model/result.ts";\nexport type Answer = Result<string>;\n`;
    expect(rulesBroken("src/receive/answer.ts", source)).toEqual([]);
  });

  it("let the entry point have a shebang before its doc comment", () => {
    expect(rulesBroken("src/app/main.ts", `#!/usr/bin/env node\n${DOC}process.exit(0);\n`)).toEqual([]);
  });

  it("refuse a file that does not parse", () => {
    expect(rulesBroken("src/log/a.ts", `${DOC}const = 1;\n`)).toEqual(["parses"]);
  });

  it.each(["src/log/RedisLog.ts", "src/log/redis_log.ts", "src/log/redisLog.ts"])("refuse the file name %s", (file) => {
    expect(rulesBroken(file, DOC)).toEqual(["kebab-case file name"]);
  });

  it("refuse a file of more than 300 lines, and take one of 300", () => {
    const lines = (count: number): string => DOC + "export {};\n".repeat(count - 1);
    expect(rulesBroken("src/log/a.ts", lines(MAX_LINES))).toEqual([]);
    expect(rulesBroken("src/log/a.ts", lines(MAX_LINES + 1))).toEqual(["at most 300 lines"]);
  });

  it.each(["", "// a line comment\n", "/* no doc comment */\n", `import "node:fs";\n${DOC}`])(
    "refuse a file that opens with %j",
    (opening) => {
      expect(rulesBroken("src/log/a.ts", `${opening}export const a = 1;\n`)).toEqual(["opens with a doc comment"]);
    },
  );

  it.each([
    `import { a } from "../rollup/a.ts";`,
    `import type { A } from "../rollup/a.ts";`,
    `export { a } from "../rollup/a.ts";`,
    `export * from "../rollup/a.ts";`,
    `export const a = import("../rollup/a.ts");`,
    `export type A = import("../rollup/a.ts").A;`,
    `import { a } from "../app/a.ts";`,
    `import { a } from "../../tests/support/a.ts";`,
    `import { a } from "otel-bandwidth/receiver";`,
    `export const a = (path: string) => import(path);`,
  ])("refuse in a stage: %s", (line) => {
    expect(rulesBroken("src/log/a.ts", `${DOC}${line}\n`)).toEqual(["a stage imports no other stage"]);
  });

  it("let a stage import itself from a folder below", () => {
    expect(rulesBroken("src/rollup/mysql/a.ts", `${DOC}import { b } from "../b.ts";\nexport { b };\n`)).toEqual([]);
  });

  it("let the wiring import every stage", () => {
    expect(rulesBroken("src/app/pipeline.ts", `${DOC}import { a } from "../log/a.ts";\nexport { a };\n`)).toEqual([]);
  });

  it.each([`import "node:fs";`, `import { Redis } from "ioredis";`, `import { a } from "../log/a.ts";`])(
    "refuse in the model: %s",
    (line) => {
      expect(rulesBroken("src/model/a.ts", `${DOC}${line}\n`)).toEqual(["model imports nothing but node:crypto"]);
    },
  );

  it.each([
    `process.exit(1);`,
    `export const a = process.env["A"];`,
    `export const a = process["env"];`,
    `export const { env } = process;`,
    `import { env } from "node:process";`,
    `process.exitCode = 1;`,
  ])("refuse outside the wiring: %s", (line) => {
    expect(rulesBroken("src/receive/a.ts", `${DOC}${line}\n`)).toEqual(["only app reads the environment or exits"]);
  });

  it.each([`export const a = new Date();`, `export const a = Date();`])("refuse a clock of its own: %s", (line) => {
    expect(rulesBroken("src/aggregate/a.ts", `${DOC}${line}\n`)).toEqual(["no clock of its own"]);
    expect(rulesBroken("src/http/a.ts", `${DOC}${line}\n`)).toEqual([]);
  });

  it("let a given time be made a date", () => {
    expect(rulesBroken("src/aggregate/a.ts", `${DOC}export const a = new Date(0);\n`)).toEqual([]);
  });
});

const LINTED: readonly (readonly [rule: string, source: string])[] = [
  ["no-restricted-properties", "export const a = Date.now();"],
  ["no-restricted-properties", "export const a = Math.random();"],
  ["no-restricted-globals", "export const a = performance.now();"],
  ["no-restricted-globals", "export const a = setTimeout(() => undefined, 1);"],
  ["no-restricted-globals", "export const a = setInterval(() => undefined, 1);"],
  ["no-restricted-globals", "export const a = crypto.randomUUID();"],
  ["no-restricted-imports", `import { randomBytes } from "node:crypto";\nexport const a = randomBytes(1);`],
  ["no-restricted-imports", `import { randomUUID } from "node:crypto";\nexport const a = randomUUID();`],
  ["no-restricted-imports", `import { setTimeout as wait } from "node:timers/promises";\nexport const a = wait(1);`],
  ["no-console", "console.log(1);"],
  ["no-default-export", "export default 1;"],
  ["no-floating-promises", "Promise.resolve(1);\nexport const a = 1;"],
  ["no-cycle", `import { a as b } from "./cycle.ts";\nexport const a = 1;\nexport const c = b;`],
];

describe("the linter's rules", () => {
  const directory = mkdtempSync(join(tmpdir(), "lint-rules-"));
  let report: readonly string[] = [];

  beforeAll(() => {
    copyFileSync(join(root, ".oxlintrc.json"), join(directory, ".oxlintrc.json"));
    writeFileSync(
      join(directory, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { strict: true, target: "es2024" } }),
    );
    const write = (file: string, source: string): void => {
      mkdirSync(join(directory, dirname(file)), { recursive: true });
      writeFileSync(join(directory, file), `${source}\n`);
    };
    for (const [index, [, source]] of LINTED.entries()) write(`src/log/probe-${index}.ts`, source);
    write("src/log/cycle.ts", `export { a } from "./probe-${LINTED.length - 1}.ts";`);
    write("src/app/wiring.ts", "console.log(Date.now());");
    const commandArguments = [
      join(root, "node_modules/oxlint/bin/oxlint"),
      "--type-aware",
      "--no-ignore",
      "-f",
      "unix",
    ];
    const run = spawnSync(process.execPath, commandArguments, { cwd: directory, encoding: "utf8" });
    report = run.stdout.split("\n");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(LINTED.map(([rule, source], index) => [rule, source, index] as const))(
    "%s refuses in a stage: %s",
    (rule, _source, index) => {
      const found = report.filter((line) => line.includes(`src/log/probe-${index}.ts:`));
      expect(found.join("\n")).toContain(`(${rule})`);
    },
  );

  it("let the wiring print and take the machine's time", () => {
    expect(report.some((line) => line.includes("probe-0.ts"))).toBe(true);
    expect(report.filter((line) => line.includes("src/app/"))).toEqual([]);
  });
});
