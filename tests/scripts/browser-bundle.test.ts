import { gzipSync } from "node:zlib";
import { parseSync, Visitor } from "oxc-parser";
import { beforeAll, describe, expect, it } from "vitest";
import { type BundledFile, bundleBrowser } from "../../scripts/browser-bundle.ts";

const KILOBYTE = 1_024;

let files: readonly BundledFile[];
beforeAll(async () => {
  files = await bundleBrowser();
});

function gzippedBytes(name: string): number {
  const file = files.find((one) => one.name === name);
  if (file === undefined) throw new Error(`the bundle has no ${name}`);
  return gzipSync(file.code, { level: 9 }).length;
}

function importsOf({ name, code }: BundledFile): string[] {
  const found: string[] = [];
  new Visitor({
    ImportDeclaration: ({ source }) => void found.push(source.value),
    ExportNamedDeclaration: ({ source }) => void found.push(...(source === null ? [] : [source.value])),
    ExportAllDeclaration: ({ source }) => void found.push(source.value),
    // Minified, a specifier is a template without anything to fill in.
    ImportExpression: ({ source }) => {
      const plain = source.type === "TemplateLiteral" && source.expressions.length === 0 ? source.quasis[0] : undefined;
      found.push(plain?.value.cooked ?? (source.type === "Literal" ? String(source.value) : "computed"));
    },
  }).visit(parseSync(name, code).program);
  return found;
}

describe("the bundle for pages", () => {
  it("imports nothing but its own files, so that a page can import it as it is", () => {
    const names = new Set(files.map(({ name }) => `./${name}`));
    const imports = files.flatMap(importsOf);
    expect(imports).toContain("./main-thread-engine.js");
    expect(imports.filter((specifier) => !names.has(specifier))).toEqual([]);
  });

  it("has a worker of at most 45 KB gzipped, and a page's part that adds at most 5 KB to it", () => {
    expect(gzippedBytes("worker.js")).toBeLessThanOrEqual(45 * KILOBYTE);
    for (const page of ["index.js", "script.js"]) {
      expect(gzippedBytes(page)).toBeLessThanOrEqual(gzippedBytes("worker.js") + 5 * KILOBYTE);
    }
    expect(gzippedBytes("main-thread-engine.js")).toBeLessThanOrEqual(45 * KILOBYTE);
  });

  it("exports what the package's types say", () => {
    const page = files.find(({ name }) => name === "index.js")!;
    expect(page.code).toMatch(/export\{\w+ as monitorPeerConnections\}/);
  });

  it("has a plain script for pages without modules, which makes one global", () => {
    const script = files.find(({ name }) => name === "script.js")!;
    const { module } = parseSync(script.name, script.code, { sourceType: "unambiguous" });
    expect(module.hasModuleSyntax).toBe(false);
    expect(script.code).toMatch(/^var otelBandwidth=/);
  });
});
