/**
 * Loaded with `--import` into a receiver under test, before it: replaces one exact string in one file of `src/`. The query
 * of its own address says which: `file` (below `src/`), `from` and `to`. A string that is not there once ends the process.
 */
import { registerHooks } from "node:module";

const { searchParams } = new URL(import.meta.url);
const [file, from, to] = [asked("file"), asked("from"), asked("to")];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/src/${file}`)) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    if (source.split(from).length !== 2) throw new Error(`src/${file} does not hold once: ${from}`);
    return { ...loaded, source: source.replace(from, () => to) };
  },
});

function asked(name: string): string {
  const value = searchParams.get(name);
  if (value === null) throw new Error(`replace-source: no ${name}`);
  return value;
}
