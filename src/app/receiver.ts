/**
 * The entry point `otel-bandwidth/receiver`: the receiver as a library, the same thing that `otel-bandwidth serve` runs.
 */
import type { PageConfig } from "../bridge/page-config.ts";
import { systemClock } from "../model/clock.ts";
import { messageOf } from "../model/result.ts";
import { trialAccess, type TrialAccess } from "./bridge-keys.ts";
import { loadSettings } from "./load-settings.ts";
import { ownMetricReaders } from "./own-metric-readers.ts";
import { Pipeline, type Listening } from "./pipeline.ts";
import type { ReceiverSettings } from "./settings.ts";

export type { PageConfig } from "../bridge/page-config.ts";
export type { TrialAccess } from "./bridge-keys.ts";
export type { Listening } from "./pipeline.ts";
export type { ReceiverSettings } from "./settings.ts";

/** Settings that differ from the environment's and the defaults, and where messages go. */
export interface ReceiverOptions extends Partial<ReceiverSettings> {
  /**
   * The environment to read; default `process.env`. `OTEL_*` settings, by which the receiver's own metrics are exported, are obeyed
   * only where they are those of the process.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Told of what went wrong and is tried again, one sentence. Default: standard error. */
  readonly report?: (message: string) => void;
}

/** A receiver. */
export interface Receiver {
  readonly settings: ReceiverSettings;
  /** What it stores in, for a person, without secrets. */
  readonly storage: { readonly log: string; readonly totals: string };
  /** Listens and starts. Rejects when a port cannot be had. */
  start(): Promise<Listening>;
  /** What is not durable, one sentence each. */
  warnings(): Promise<readonly string[]>;
  /** SQL statements since start that write and that read. */
  statementCounts(): { readonly writes: number; readonly reads: number };
  /** Tokens to try the bridge with; `undefined` where BRIDGE_JWT_SECRET or BRIDGE_JWKS_URL is set. */
  trialAccess(): Promise<TrialAccess | undefined>;
  /** Tells open pages, and those to come, another config: `enabled: false` stops them within a moment. */
  configurePages(config: PageConfig): void;
  /** Reads the certificates again. */
  reloadCertificates(): void;
  /** Reads `TENANTS_FILE` again. Throws when it is wrong: then the limits and tokens stay. */
  reloadTenants(): void;
  /** Stops intake, answers what is in flight, persists and closes. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Makes a receiver; nothing listens before `start`. Throws one Error that lists every fault of the settings, or says why an
 * embedded store cannot be opened.
 */
export function createReceiver(options: ReceiverOptions = {}): Receiver {
  const { environment = process.env, report = printError, ...given } = options;
  const loaded = loadSettings(environment, given);
  if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
  const { settings } = loaded;
  const opened = Pipeline.open(settings, systemClock, report);
  if (opened.kind !== "success") throw new Error(opened.reason);
  const pipeline = opened.value;
  let stopped: Promise<void> | undefined;
  return {
    settings,
    storage: { log: pipeline.logs.description, totals: pipeline.totals.description },
    start: async () => {
      // Exporters read the settings of the process: those of another environment are not theirs.
      const readers = environment === process.env ? await ownMetricReaders(environment, report) : [];
      try {
        const started = await pipeline.start(readers);
        if (started.kind === "success") return started.value;
        throw new Error(started.reason);
      } catch (error) {
        await (stopped ??= pipeline.stop());
        throw error;
      }
    },
    warnings: async () => {
      const stores = [pipeline.logs, pipeline.totals];
      const found = stores.map((store) => store.warnings().catch((error: unknown) => [messageOf(error)]));
      return (await Promise.all(found)).flat();
    },
    statementCounts: () => pipeline.totals.store.statementCounts(),
    trialAccess: () => trialAccess(pipeline.bridgeKeys),
    configurePages: (config) => pipeline.bridge.configure(config),
    reloadCertificates: () => pipeline.reloadCertificates(),
    reloadTenants: () => pipeline.reloadTenants(),
    stop: () => (stopped ??= pipeline.stop()),
  };
}

function printError(message: string): void {
  process.stderr.write(`otel-bandwidth: ${message}\n`);
}
