import { gzipSync } from "node:zlib";
import { parseSync, Visitor } from "oxc-parser";
import { beforeAll, describe, expect, it } from "vitest";
import { bundleLivePage, type LivePageFile } from "../../scripts/live-bundle.ts";

const KILOBYTE = 1024;

let files: readonly LivePageFile[];
beforeAll(async () => {
  files = await bundleLivePage();
});

function textOf(pattern: RegExp): string {
  const found = files.filter(({ path }) => pattern.test(path));
  expect(found.map(({ path }) => path)).toHaveLength(1);
  return found[0]!.text;
}

/** Unlike `toMatch`, does not print the whole text when it fails. */
function matches(text: string, pattern: RegExp): boolean {
  return pattern.test(text);
}

function importsOf(code: string): number {
  let imports = 0;
  const count = (): void => void (imports += 1);
  new Visitor({ ImportDeclaration: count, ImportExpression: count }).visit(parseSync("live-page.js", code).program);
  return imports;
}

describe("the bundle of the live page", () => {
  it("is at most 42 KB gzipped, all of it", () => {
    const bytes = files.reduce((sum, { text }) => sum + gzipSync(text, { level: 9 }).length, 0);
    expect(bytes).toBeLessThanOrEqual(42 * KILOBYTE);
  });

  it("is one script, one style sheet and an icon with hashes in their names, and the HTML that names them", () => {
    const html = textOf(/^index\.html$/);
    const assets = files.map(({ path }) => path).filter((path) => path !== "index.html");
    expect(assets).toHaveLength(3);
    for (const path of assets) {
      expect(path).toMatch(/^assets\/[a-z-]+\.[0-9a-f]{12}\.(js|css|svg)$/);
      expect(html).toContain(`"${path}"`);
    }
    expect(html.match(/%\w+%/g)).toEqual(["%OTLP_PORT%"]);
  });

  it("has the same names for the same content, and takes nothing from elsewhere", async () => {
    expect((await bundleLivePage()).map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    expect(matches(textOf(/\.css$/), /@import|url\(/)).toBe(false);
    expect(importsOf(textOf(/\.js$/))).toBe(0);
    expect(matches(textOf(/index\.html$/), /https?:|\/\/|<style|<script>|\son\w+=|\sstyle=/)).toBe(false);
  });

  it("never makes markup of text", () => {
    expect(
      matches(textOf(/\.js$/), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment/),
    ).toBe(false);
  });
});
