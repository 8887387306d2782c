/** The rules of `src/` that a linter cannot express, checked on the syntax tree of one file at a time. */
import { posix } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/** A rule that a file breaks. */
export interface Violation {
  readonly file: string;
  readonly rule: ArchitectureRule;
  /** What breaks it, for a person. */
  readonly detail: string;
}

/** The rules by name. */
export type ArchitectureRule =
  | "parses"
  | "kebab-case file name"
  | "at most 300 lines"
  | "opens with a doc comment"
  | "a stage imports no other stage"
  | "model imports nothing but node:crypto"
  | "only app reads the environment or exits"
  | "no clock of its own";

/** The longest a file may be, lines. */
export const MAX_LINES = 300;

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/;

/** May read a clock: the clock itself, the wiring, and the counting inside a host app. */
const MAY_READ_CLOCK = /^src\/(model\/clock\.ts$|app\/|http\/)/;

/**
 * Checks one file of `src/`.
 * @param file its path from the repository's root, with forward slashes
 * @returns every rule it breaks; empty when it breaks none
 */
export function checkArchitecture(file: string, source: string): Violation[] {
  const violations: Violation[] = [];
  const report = (rule: ArchitectureRule, detail: string): void => {
    violations.push({ file, rule, detail });
  };
  const parsed = parseSync(file, source);
  const syntaxError = parsed.errors[0];
  if (syntaxError !== undefined) {
    report("parses", syntaxError.message);
    return violations;
  }
  if (!KEBAB_CASE.test(posix.basename(file))) report("kebab-case file name", posix.basename(file));
  const lineCount = source.split("\n").length - (source.endsWith("\n") ? 1 : 0);
  if (lineCount > MAX_LINES) report("at most 300 lines", `${lineCount} lines`);
  if (!/^(#![^\n]*\n)?\/\*\*[^]*?\*\//.test(source)) report("opens with a doc comment", source.slice(0, 40));
  const visited = visit(parsed.program);
  checkImports(file, visited.imports, report);
  if (stageOf(file) !== "app") {
    for (const use of visited.processUses) report("only app reads the environment or exits", use);
  }
  if (!MAY_READ_CLOCK.test(file)) {
    for (const use of visited.clockUses) report("no clock of its own", use);
  }
  return violations;
}

/** The folder of `src/` that a file lies in; "" for a file in `src/` itself. */
function stageOf(file: string): string {
  const [root, stage, ...rest] = file.split("/");
  return root === "src" && stage !== undefined && rest.length > 0 ? stage : "";
}

function checkImports(
  file: string,
  imports: readonly string[],
  report: (rule: ArchitectureRule, detail: string) => void,
): void {
  const stage = stageOf(file);
  for (const specifier of imports) {
    const relative = specifier.startsWith(".");
    const target = relative ? posix.join(posix.dirname(file), specifier) : specifier;
    const targetStage = relative ? stageOf(target) : "";
    if (stage === "model") {
      const allowed = relative ? targetStage === "model" : specifier === "node:crypto";
      if (!allowed) report("model imports nothing but node:crypto", specifier);
    } else if (stage !== "app" && relative && targetStage !== stage && targetStage !== "model") {
      report("a stage imports no other stage", specifier);
    } else if (stage !== "app" && specifier.startsWith("otel-bandwidth")) {
      report("a stage imports no other stage", specifier);
    }
  }
}

interface Visited {
  readonly imports: readonly string[];
  readonly processUses: readonly string[];
  readonly clockUses: readonly string[];
}

const PROCESS_MEMBERS = new Set(["env", "exit", "exitCode", "loadEnvFile"]);

function visit(program: Parameters<Visitor["visit"]>[0]): Visited {
  const imports: string[] = [];
  const processUses: string[] = [];
  const clockUses: string[] = [];
  const addSource = (source: unknown): void => {
    const value = valueOf(source);
    if (value !== undefined) imports.push(value);
  };
  new Visitor({
    ImportDeclaration: (node) => {
      addSource(node.source);
      if (node.source.value !== "node:process") return;
      processUses.push("import of node:process");
    },
    ExportNamedDeclaration: (node) => addSource(node.source),
    ExportAllDeclaration: (node) => addSource(node.source),
    ImportExpression: (node) => {
      // A specifier that is computed could be anything.
      if (valueOf(node.source) === undefined) imports.push("./../computed-import");
      else addSource(node.source);
    },
    TSImportType: (node) => addSource(node.source),
    MemberExpression: (node) => {
      const member = node.computed ? valueOf(node.property) : nameOf(node.property);
      if (nameOf(node.object) === "process" && member !== undefined && PROCESS_MEMBERS.has(member)) {
        processUses.push(`process.${member}`);
      }
    },
    VariableDeclarator: (node) => {
      // Destructuring would hide which members are read.
      if (nameOf(node.init) === "process") processUses.push("process taken apart");
    },
    NewExpression: (node) => {
      if (nameOf(node.callee) === "Date" && node.arguments.length === 0) clockUses.push("new Date()");
    },
    CallExpression: (node) => {
      if (nameOf(node.callee) === "Date") clockUses.push("Date()");
    },
  }).visit(program);
  return { imports, processUses, clockUses };
}

function nameOf(node: unknown): string | undefined {
  return textField(node, "name");
}

function valueOf(node: unknown): string | undefined {
  return textField(node, "value");
}

function textField(node: unknown, field: string): string | undefined {
  if (typeof node !== "object" || node === null) return undefined;
  const value: unknown = Reflect.get(node, field);
  return typeof value === "string" ? value : undefined;
}
