/**
 * What `docs/http-exactness.md` says cannot be known: the bounds by name.
 */

import { readFileSync } from "node:fs";

/** The names in the first column of the page's table of bounds. */
export function documentedBounds(): Set<string> {
  const text = readFileSync(new URL("../../../docs/http-exactness.md", import.meta.url), "utf8");
  return new Set([...text.matchAll(/^\| `([a-z0-9-]+)` +\|/gm)].map((match) => match[1] ?? ""));
}
