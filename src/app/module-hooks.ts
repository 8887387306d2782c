/**
 * Lets the instrumentations reach modules however the app loads them: `require`, `import`, or already loaded by us.
 */

import { createRequire, register, syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";

/** Modules that need the import hook. Built-in modules are patched in place and seen by every importer. */
const IMPORTED_MODULES: readonly string[] = ["express"];

/** What we use of `import-in-the-middle/register-hooks.mjs`. */
interface SynchronousHooks {
  supportsSyncHooks(): boolean;
  register(options: { include: readonly string[] }): void;
}

/** Applies the patches of built-in modules now and hooks later imports. Call after the SDK has started. */
export async function hookModuleLoading(): Promise<void> {
  const require = createRequire(import.meta.url);
  // The exporter has loaded these by `import`, which the patches do not see; a `require` applies them.
  require("node:http");
  require("node:https");
  syncBuiltinESMExports();
  // The hook must be the very copy that the express instrumentation registers itself with.
  const express = createRequire(require.resolve("@opentelemetry/instrumentation-express"));
  const instrumentation = createRequire(express.resolve("@opentelemetry/instrumentation"));
  const synchronous = pathToFileURL(instrumentation.resolve("import-in-the-middle/register-hooks.mjs")).href;
  const hooks = (await import(synchronous)) as SynchronousHooks;
  const options = { include: IMPORTED_MODULES };
  if (hooks.supportsSyncHooks()) hooks.register(options);
  else
    register(pathToFileURL(instrumentation.resolve("import-in-the-middle/hook.mjs")).href, import.meta.url, {
      data: options,
    });
}
