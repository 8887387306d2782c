/**
 * Who may still send: what each tenant has taken of its own limits, and what was refused of it. Every receiver counts for itself.
 */
import type { Clock } from "../model/clock.ts";
import { OVERFLOW_NAME } from "../model/dimensions.ts";
import type { AppendedEntry } from "../model/ingest-log.ts";
import { limitsOf, type TenantLimits, type TenantPlan } from "../model/tenant-limits.ts";
import { LogShares, type LogSharesOptions } from "./log-shares.ts";
import { TenantRate } from "./tenant-rate.ts";

/** Which limit of a tenant was reached. */
export type TenantLimitName = "points" | "bytes" | "log";

/** Why nothing is taken of a tenant now. */
export interface TenantRefusal {
  readonly tenant: string;
  readonly limit: TenantLimitName;
  /** In words for the sender. */
  readonly reason: string;
  readonly retryAfterSeconds: number;
}

/** Points that were refused of a tenant since start, for one limit. */
export interface RefusedPoints {
  readonly tenant: string;
  readonly limit: TenantLimitName;
  readonly points: number;
}

/** What a gate works with. */
export interface TenantGateOptions extends LogSharesOptions {
  readonly clock: Clock;
  /** The limits now; another plan takes effect at once. */
  readonly plan: () => TenantPlan;
}

/** Tenants whose use is known at once. One more shares `__other__` with all that come after it, and its limits. */
export const MAX_TRACKED_TENANTS: number = 10_000;
/** Tenants whose refusals are told by name; those of the others are told together. */
export const MAX_NAMED_TENANTS: number = 100;
/** Looking for tenants to forget takes a while: not more often than this. */
const SWEEP_INTERVAL_MILLIS = 1000;
/** A share of the log becomes free with a commit: there is no use in asking sooner. */
const LOG_RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 60;

interface TenantUse {
  readonly points: TenantRate;
  readonly bytes: TenantRate;
}

/** Keeps the limits of all tenants. */
export class TenantGate {
  readonly #options: TenantGateOptions;
  readonly #uses = new Map<string, TenantUse>();
  readonly #logs: LogShares;
  readonly #refused = new Map<string, Map<TenantLimitName, number>>();
  #untakenPoints = 0;
  #sweptAtMillis = Number.NEGATIVE_INFINITY;

  constructor(options: TenantGateOptions) {
    this.#options = options;
    this.#logs = new LogShares(options);
  }

  /** Why nothing of a tenant may be appended to a shard now; `undefined` when it may. */
  refusal(tenant: string, shard: number): TenantRefusal | undefined {
    const limits = this.#limits(tenant);
    const use = this.#uses.get(this.#trackedName(tenant));
    if (use) {
      const now = this.#options.clock.monotonicMillis();
      const points = use.points.waitMillis(limits.maxPointsPerMinute, now);
      if (points > 0) return rateRefusal(tenant, "points", limits.maxPointsPerMinute, points);
      const bytes = use.bytes.waitMillis(limits.maxBytesPerMinute, now);
      if (bytes > 0) return rateRefusal(tenant, "bytes", limits.maxBytesPerMinute, bytes);
    }
    if (limits.maxLogShare >= 1 || this.#logs.share(shard, tenant) < limits.maxLogShare) return undefined;
    const reason = `tenant ${printable(tenant)} has its share of the log, ${limits.maxLogShare}: it becomes free when SQL has the data`;
    return { tenant, limit: "log", reason, retryAfterSeconds: LOG_RETRY_SECONDS };
  }

  /** Counts what is taken in of a tenant. Negative amounts: it was not taken in after all. */
  take(tenant: string, points: number, bytes: number): void {
    const { maxPointsPerMinute, maxBytesPerMinute } = this.#limits(tenant);
    if (maxPointsPerMinute === Infinity && maxBytesPerMinute === Infinity) return;
    const now = this.#options.clock.monotonicMillis();
    const use = this.#use(tenant, now);
    use.points.take(points, maxPointsPerMinute, now);
    use.bytes.take(bytes, maxBytesPerMinute, now);
  }

  /** Counts points that were refused. */
  refuse({ tenant, limit }: TenantRefusal, points: number): void {
    const isNamed = this.#refused.has(tenant) || this.#refused.size < MAX_NAMED_TENANTS;
    const name = isNamed ? tenant : OVERFLOW_NAME;
    const counts = this.#refused.get(name) ?? new Map<TenantLimitName, number>();
    counts.set(limit, (counts.get(limit) ?? 0) + points);
    this.#refused.set(name, counts);
    this.#untakenPoints += points;
  }

  /** An entry was appended that holds these tenants' data, in these proportions; `bytes` as stored. */
  appended(shard: number, to: AppendedEntry, bytes: number, tenants: ReadonlyMap<string, number>): void {
    const isShared = [...tenants.keys()].some((tenant) => this.#limits(tenant).maxLogShare < 1);
    if (isShared) this.#logs.appended(shard, to, bytes, tenants);
  }

  /** What was refused since start. */
  refused(): RefusedPoints[] {
    return [...this.#refused].flatMap(([tenant, counts]) =>
      [...counts].map(([limit, points]) => ({ tenant, limit, points })),
    );
  }

  /** Points that were refused since this was last asked. */
  takeRefusedPoints(): number {
    const points = this.#untakenPoints;
    this.#untakenPoints = 0;
    return points;
  }

  #limits(tenant: string): TenantLimits {
    return limitsOf(this.#options.plan(), tenant);
  }

  /** Those with limits of their own are always tracked by name: there are as many as the plan has. */
  #trackedName(tenant: string): string {
    const isTracked = this.#uses.has(tenant) || this.#uses.size < MAX_TRACKED_TENANTS;
    return isTracked || this.#options.plan().byTenant.has(tenant) ? tenant : OVERFLOW_NAME;
  }

  #use(tenant: string, now: number): TenantUse {
    if (this.#uses.size >= MAX_TRACKED_TENANTS && !this.#uses.has(tenant)) this.#forgetIdle(now);
    const name = this.#trackedName(tenant);
    let use = this.#uses.get(name);
    if (use === undefined) {
      use = { points: new TenantRate(), bytes: new TenantRate() };
      this.#uses.set(name, use);
    }
    return use;
  }

  /** Whoever has taken nothing that has not flowed back is as one that was never seen. */
  #forgetIdle(now: number): void {
    if (now - this.#sweptAtMillis < SWEEP_INTERVAL_MILLIS) return;
    this.#sweptAtMillis = now;
    for (const [tenant, { points, bytes }] of this.#uses) {
      const { maxPointsPerMinute, maxBytesPerMinute } = this.#limits(tenant);
      const taken = points.level(finite(maxPointsPerMinute), now) + bytes.level(finite(maxBytesPerMinute), now);
      if (taken === 0) this.#uses.delete(tenant);
    }
  }
}

/** Without a limit nothing is counted: what was counted under another plan flows back at any pace. */
function finite(perMinute: number): number {
  return Math.min(perMinute, Number.MAX_VALUE);
}

function rateRefusal(tenant: string, limit: "points" | "bytes", perMinute: number, waitMillis: number): TenantRefusal {
  const retryAfterSeconds = Math.min(MAX_RETRY_SECONDS, Math.ceil(waitMillis / 1000));
  const reason = `tenant ${printable(tenant)} is over its limit of ${perMinute} ${limit} a minute`;
  return { tenant, limit, reason, retryAfterSeconds };
}

/** Text of foreign origin, short and without control characters. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
