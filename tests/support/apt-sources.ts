/** The mirror that this machine's own package manager uses: tests never choose one. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const FOLDER = "/etc/apt";

/** The first Debian mirror in the machine's apt sources, undefined when there is none. */
export function debianMirror(): string | undefined {
  return sourceTexts()
    .flatMap((text) => mirrorsIn(text))
    .find((url) => /\/debian\/?$/.test(url));
}

/** The mirrors named in a sources file: one-line style (`deb URL suite …`) or deb822 (`URIs: URL …`). */
export function mirrorsIn(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const classic = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line)?.[1];
    if (classic !== undefined) return [classic];
    const uris = /^URIs:\s*(.+)$/i.exec(line)?.[1];
    return uris === undefined ? [] : uris.trim().split(/\s+/);
  });
}

function sourceTexts(): readonly string[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  let parts: string[] = [];
  try {
    parts = readdirSync(join(FOLDER, "sources.list.d")).sort();
  } catch {
    // A machine without apt has no sources.
  }
  return [join(FOLDER, "sources.list"), ...parts.map((part) => join(FOLDER, "sources.list.d", part))].map(read);
}
