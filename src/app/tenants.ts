/** Wiring: the tenants of a receiver, their limits and tokens as they are now. */
import type { Clock } from "../model/clock.ts";
import type { IngestLog } from "../model/ingest-log.ts";
import { limitsOf, limitsTheDoor } from "../model/tenant-limits.ts";
import type { TenantTokens } from "../receive/sender-tokens.ts";
import { TenantGate } from "../receive/tenant-gate.ts";
import type { ReceiverSettings } from "./settings.ts";
import { readTenantRules, type TenantRules } from "./tenants-file.ts";

/** All tenants of a receiver. */
export class Tenants {
  /** Counts for all doors of the receiver. */
  readonly gate: TenantGate;
  readonly #settings: ReceiverSettings;
  #rules: TenantRules;
  #limitsTheDoor: boolean;

  /** `logs`: those of now, by shard number. Throws as {@link readTenantRules} does. */
  constructor(settings: ReceiverSettings, clock: Clock, logs: () => readonly IngestLog[]) {
    this.#settings = settings;
    this.#rules = readTenantRules(settings);
    this.#limitsTheDoor = limitsTheDoor(this.#rules.plan);
    const limits = { maxEntries: settings.bufferEntries, maxBytes: settings.bufferBytes };
    this.gate = new TenantGate({ clock, logs, limits, plan: () => this.#rules.plan });
  }

  /** The gate, while any tenant is limited by it: without it the door need not tell tenants apart. */
  doorGate = (): TenantGate | undefined => (this.#limitsTheDoor ? this.gate : undefined);

  /** Tokens that are one tenant's. */
  tokens = (): TenantTokens => this.#rules.tokens;

  /** Active series of a tenant in a shard; `Infinity`: no limit of its own. */
  maxSeriesOf = (tenant: string): number => limitsOf(this.#rules.plan, tenant).maxSeries;

  /** Reads the file again. Throws as {@link readTenantRules} does, and then changes nothing. */
  reload(): void {
    this.#rules = readTenantRules(this.#settings);
    this.#limitsTheDoor = limitsTheDoor(this.#rules.plan);
  }
}
