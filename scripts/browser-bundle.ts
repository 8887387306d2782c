/**
 * Bundles the page side: modules without bare imports, so that a page can import them as they are, with the worker's text
 * inside; a plain script for pages without modules; and the worker alone, for pages whose content security policy allows no
 * inlined one.
 */
import { join } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { ROOT } from "./run-command.ts";

const SOURCE = join(ROOT, "src/browser");

/** One file of the bundle. */
export interface BundledFile {
  /** Its name beside the others. */
  readonly name: string;
  readonly code: string;
}

/** What a page without modules finds the page side under. */
const SCRIPT_GLOBAL = "otelBandwidth";
/** Loaded only where there is no worker: by either build, from beside it. */
const MAIN_THREAD_ENGINE = "./main-thread-engine";

/**
 * Bundles the page side. `index.js` is what a page imports, `script.js` what it names in a `<script>`; `worker.js` is the
 * worker by itself. Throws on a fault.
 */
export async function bundleBrowser(): Promise<BundledFile[]> {
  const [worker] = await bundle("worker.ts", "iife", []);
  if (worker === undefined) throw new Error("the worker's bundle is empty");
  const inlined = withWorkerSource(worker.code);
  const page = await bundle("index.ts", "esm", [inlined]);
  const [script] = await bundle("index.ts", "iife", [inlined, withEngineBeside()]);
  if (script === undefined) throw new Error("the script's bundle is empty");
  return [...page, { name: "script.js", code: script.code }, { name: "worker.js", code: worker.code }];
}

async function bundle(entry: string, format: "esm" | "iife", plugins: Plugin[]): Promise<BundledFile[]> {
  const build = await rolldown({ input: join(SOURCE, entry), platform: "browser", plugins });
  const { output } = await build.generate({
    format,
    name: SCRIPT_GLOBAL,
    minify: true,
    chunkFileNames: "[name].js",
  });
  await build.close();
  return output.flatMap((file) => (file.type === "chunk" ? { name: file.fileName, code: file.code } : []));
}

/** Puts the worker's text where the source has a placeholder. */
export function withWorkerSource(code: string): Plugin {
  return {
    name: "worker-source",
    load: (id) =>
      id === join(SOURCE, "worker-source.ts") ? `export const WORKER_SOURCE = ${JSON.stringify(code)};` : undefined,
  };
}

/** A script can import modules too: relative to its own address, like a module. */
function withEngineBeside(): Plugin {
  return {
    name: "engine-beside",
    resolveId: (id) =>
      id === `${MAIN_THREAD_ENGINE}.ts` ? { id: `${MAIN_THREAD_ENGINE}.js`, external: true } : undefined,
  };
}
