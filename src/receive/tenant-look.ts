/** What one request takes of its tenants' limits: decided once a tenant and shard, so that all of its data fares alike. */
import type { AppendedEntry } from "../model/ingest-log.ts";
import { PAGES_TENANT, tenantOf } from "../model/tenant-limits.ts";
import type { TenantGate, TenantRefusal } from "./tenant-gate.ts";

/** Who sends a request. */
export interface TenantSender {
  /** The tenant that its token names; it may send of no other. */
  readonly tenant?: string | undefined;
  /** Whether it is a page, of which the payload is no proof of its tenant. */
  readonly isPage: boolean;
}

interface Use {
  points: number;
  bytes: number;
}

/** Looks at the tenants of one request; use a new one for each. */
export class TenantLook {
  /** The tenant of the resource that was looked at last. */
  tenant = "";
  readonly #gate: TenantGate | undefined;
  readonly #sender: TenantSender;
  readonly #uses = new Map<string, Use>();
  readonly #decided = new Map<string, TenantRefusal | undefined>();
  readonly #refusedPoints = new Map<TenantRefusal, number>();
  #use: Use | undefined;
  #refusal: TenantRefusal | undefined;

  /** `gate`: absent where no tenant has a limit. */
  constructor(gate: TenantGate | undefined, sender: TenantSender) {
    this.#gate = gate;
    this.#sender = sender;
  }

  /** Begins with a resource of so many bytes; why nothing of it can be taken, in words for the sender. */
  resource(namespace: string, shard: number, bytes: number): string | undefined {
    const { tenant: own, isPage } = this.#sender;
    this.#refusal = undefined;
    if (own !== undefined && namespace !== own) {
      return `the token is of tenant ${printable(own)}: it may not send of service.namespace ${printable(namespace)}`;
    }
    this.tenant = own ?? (isPage ? PAGES_TENANT : tenantOf(namespace));
    if (this.#gate === undefined) return undefined;
    this.#refusal = this.#decide(this.#gate, shard);
    if (this.#refusal !== undefined) return this.#refusal.reason;
    this.#use = this.#uses.get(this.tenant) ?? { points: 0, bytes: 0 };
    this.#use.bytes += bytes;
    this.#uses.set(this.tenant, this.#use);
    return undefined;
  }

  #decide(gate: TenantGate, shard: number): TenantRefusal | undefined {
    const key = `${shard}|${this.tenant}`;
    if (!this.#decided.has(key)) this.#decided.set(key, gate.refusal(this.tenant, shard));
    return this.#decided.get(key);
  }

  /** A point of the resource is taken. */
  counted(): void {
    if (this.#use) this.#use.points++;
  }

  /** Points of the resource are refused. */
  refused(points: number): void {
    if (this.#refusal) this.#refusedPoints.set(this.#refusal, (this.#refusedPoints.get(this.#refusal) ?? 0) + points);
  }

  /** The refusal that lasts longest, of those that points were refused for. */
  get longest(): TenantRefusal | undefined {
    const refusals = [...this.#refusedPoints.keys()];
    return refusals.toSorted((a, b) => b.retryAfterSeconds - a.retryAfterSeconds)[0];
  }

  /** A part of the request was appended that holds these tenants' data, in these proportions; `bytes` as stored. */
  appended(shard: number, to: AppendedEntry, bytes: number, tenants: ReadonlyMap<string, number>): void {
    this.#gate?.appended(shard, to, bytes, tenants);
  }

  /** Counts what was refused, once the request is answered for good or for now. */
  tellRefused(): void {
    for (const [refusal, points] of this.#refusedPoints) this.#gate?.refuse(refusal, points);
  }

  /** Takes what the request takes of the limits; `sign` -1 gives it back: it was not taken in. */
  take(sign: 1 | -1): void {
    for (const [tenant, { points, bytes }] of this.#uses) this.#gate?.take(tenant, sign * points, sign * bytes);
  }
}

/** Text of foreign origin, short and without control characters. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
