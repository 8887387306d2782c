/**
 * The receiver of the demo: as the environment sets it, on loopback and free ports, embedded in a folder of its own unless
 * the environment names stores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { LiveView } from "../../realtime/live-view.ts";
import { loadSettings, type Environment } from "../load-settings.ts";
import type { Listening } from "../pipeline.ts";
import { createReceiver, type Receiver } from "../receiver.ts";
import { TENANT_SETTING_DEFINITIONS } from "../tenant-settings.ts";
import { UsageError } from "../usage-error.ts";

/** A receiver and where its files are. */
export interface DemoReceiver {
  readonly receiver: Receiver;
  /** The folder that was made for this run; undefined when the environment named one. */
  readonly temporaryFolder: string | undefined;
  /** Deletes that folder, if there is one. */
  removeFolder(): void;
}

/** What would keep a demo on loopback from reaching its own receiver, or have it refused there. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ..."OTLP_HOST OTLP_PORT OTLP_GRPC_PORT OTLP_TOKEN BRIDGE_HOST BRIDGE_PORT TLS_CERT_FILE TLS_KEY_FILE".split(" "),
  ...Object.values(TENANT_SETTING_DEFINITIONS).map(({ name }) => name),
]);
/** Figures change every second unless the environment says otherwise. */
const PROCESS_INTERVAL_MILLIS = 1000;
const READY_DEADLINE_MILLIS = 15_000;
const READY_POLL_MILLIS = 50;

/** Makes it; nothing listens yet. Throws a usage error for wrong settings, an Error when a store cannot be opened. */
export function createDemoReceiver(environment: Environment, report: (message: string) => void): DemoReceiver {
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !LEFT_OUT.has(name)));
  const checked = loadSettings(kept);
  if (checked.kind === "failure") throw new UsageError(checked.faults.join("\n"));
  if (!checked.settings.metricsEnabled) throw new UsageError("METRICS_ENABLED: expected true for a demo (got false)");
  const isSet = (name: string): boolean => (kept[name]?.trim() ?? "") !== "";
  const temporaryFolder = isSet("DATA_DIR") ? undefined : mkdtempSync(join(tmpdir(), "otel-bandwidth-demo-"));
  const removeFolder = (): void => {
    if (temporaryFolder !== undefined) rmSync(temporaryFolder, { recursive: true, force: true });
  };
  try {
    const receiver = createReceiver({
      environment: kept,
      report,
      otlpPort: 0,
      bridgePort: 0,
      ...(temporaryFolder === undefined ? {} : { dataDirectory: temporaryFolder }),
      ...(isSet("METRICS_PROCESS_INTERVAL") ? {} : { processIntervalMillis: PROCESS_INTERVAL_MILLIS }),
    });
    return { receiver, temporaryFolder, removeFolder };
  } catch (error) {
    removeFolder();
    throw error;
  }
}

/** Waits until it accepts metrics. Rejects, with its reason, when it does not in time or `stop` is aborted. */
export async function untilReady({ bridgePort }: Listening, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MILLIS;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${bridgePort}/readyz`);
    const answer = (await response.json()) as { readonly error?: string };
    stop.throwIfAborted();
    if (response.ok) return;
    if (performance.now() > deadline) throw new Error(`the receiver is not ready: ${answer.error ?? response.status}`);
    await wait(READY_POLL_MILLIS);
  }
}

/** What `GET /api/live` shows; undefined before the first requests and when it cannot be had. */
export async function readLive({ bridgePort }: Listening): Promise<LiveView | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${bridgePort}/api/live`);
    if (!response.ok) return undefined;
    const view = (await response.json()) as LiveView;
    return view.http.requestsPerSecond > 0 ? view : undefined;
  } catch {
    return undefined;
  }
}
