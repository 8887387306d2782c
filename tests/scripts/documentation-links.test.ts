/** Links of the documentation lead somewhere: to files that are there, and to headings that they have. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/run-command.ts";

const NOT_OURS = new Set(["node_modules", "dist", ".git"]);
const PAGES = markdownFiles(ROOT);

/** The Markdown files below a folder. */
function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** Without what is shown as code. */
function prose(path: string): string {
  return readFileSync(path, "utf8")
    .replaceAll(/^ *```[^]*?^ *```/gm, "")
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[()[\]]/g, " "));
}

/** Where a page's links lead that are not to other sites, or to paths of them. */
function targets(path: string): string[] {
  const found = prose(path).matchAll(/\]\(([^()\s]+)\)|(?:src|href)="([^"]+)"/g);
  return [...found].map(([, markdown, html]) => (markdown ?? html)!).filter((target) => !/^([a-z]+:|\/)/.test(target));
}

/** The names by which GitHub links to a page's headings. */
function anchors(path: string): Set<string> {
  const headings = readFileSync(path, "utf8")
    .replaceAll(/^ *```[^]*?^ *```/gm, "")
    .matchAll(/^#+ +(.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function fault(page: string, target: string): string | undefined {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(file)) return `${target}: there is no such file`;
  if (anchor === undefined || !file.endsWith(".md") || statSync(file).isDirectory()) return undefined;
  return anchors(file).has(anchor) ? undefined : `${target}: there is no such heading`;
}

describe("the links of", () => {
  it.each(PAGES.map((page) => [relative(ROOT, page), page] as const))("%s lead somewhere", (_name, page) => {
    expect(targets(page).flatMap((target) => fault(page, target) ?? [])).toEqual([]);
  });

  it("the documentation reach every page of docs/ from the README", () => {
    const reached = new Set<string>();
    const walk = (page: string): void => {
      if (reached.has(page)) return;
      reached.add(page);
      for (const target of targets(page)) {
        const file = join(dirname(page), target.split("#")[0]!);
        if (!existsSync(file)) continue;
        if (statSync(file).isDirectory()) markdownFiles(file).forEach(walk);
        else if (file.endsWith(".md")) walk(file);
      }
    };
    walk(join(ROOT, "README.md"));
    const docs = PAGES.filter((page) => page.startsWith(join(ROOT, "docs/")));
    expect(docs.length).toBeGreaterThan(10);
    expect(docs.filter((page) => !reached.has(page)).map((page) => relative(ROOT, page))).toEqual([]);
  });
});

describe("the runbook's reasons of a 503", () => {
  const section = readFileSync(join(ROOT, "docs/runbook.md"), "utf8")
    .split("## Senders are answered 503")[1]!
    .split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const reasons = rows.flatMap((row) => [...row.split(" | ")[0]!.matchAll(/`([^`]+)`/g)].map(([, reason]) => reason!));
  const source = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(ROOT, "src", file), "utf8"))
    .join("\n");

  it("are many", () => expect(reasons.length).toBeGreaterThan(15));

  it.each(reasons)("%s is what the receiver says", (reason) => {
    // A setting stands in a template as itself; what follows it is a value.
    expect(source).toContain(reason);
  });
});
