/**
 * Settings for a command: all faults at once, as a usage error.
 */
import { loadSettings } from "./load-settings.ts";
import type { ReceiverSettings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** The settings of the environment. Throws {@link UsageError} with a line for each fault. */
export function commandSettings(options: Partial<ReceiverSettings> = {}): ReceiverSettings {
  const loaded = loadSettings(process.env, options);
  if (loaded.kind === "failure") throw new UsageError(loaded.faults.join("\n"));
  return loaded.settings;
}
