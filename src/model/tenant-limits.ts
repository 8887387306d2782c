/**
 * What a tenant may take of a receiver that it shares with others. A tenant is a `service.namespace`; without one it is "".
 * The door keeps the limits of what comes in, the fold that of the series.
 */
import { DIMENSION_LENGTHS, fitName } from "./dimensions.ts";

/** The limits of one tenant. `Infinity`: none. */
export interface TenantLimits {
  /** Data points of ours that one receiver takes in, a minute. */
  readonly maxPointsPerMinute: number;
  /** Bytes of its `ResourceMetrics`, inflated, that one receiver takes in, a minute. */
  readonly maxBytesPerMinute: number;
  /** Active series of a shard. */
  readonly maxSeries: number;
  /** The part (0 to 1) of a shard's log that what one receiver appended of it may take; 1: all of it. */
  readonly maxLogShare: number;
}

/** The limits of all tenants. */
export interface TenantPlan {
  /** Those of every tenant that has none of its own. */
  readonly defaults: TenantLimits;
  readonly byTenant: ReadonlyMap<string, TenantLimits>;
}

/** No limit but those of all. */
export const UNLIMITED: TenantLimits = {
  maxPointsPerMinute: Number.POSITIVE_INFINITY,
  maxBytesPerMinute: Number.POSITIVE_INFINITY,
  maxSeries: Number.POSITIVE_INFINITY,
  maxLogShare: 1,
};

/** The tenant that pages are counted as whose token names none. No namespace is: a page could name another tenant's. */
export const PAGES_TENANT = "__pages__";

/** The tenant of a namespace: as it is stored, so that two tenants are never stored as one. */
export function tenantOf(namespace: string): string {
  return fitName(namespace, DIMENSION_LENGTHS.namespace);
}

/** The limits of a tenant. */
export function limitsOf(plan: TenantPlan, tenant: string): TenantLimits {
  return plan.byTenant.get(tenant) ?? plan.defaults;
}

/** Whether any tenant is limited at the door: in its points, its bytes or its share of a log. */
export function limitsTheDoor({ defaults, byTenant }: TenantPlan): boolean {
  return [defaults, ...byTenant.values()].some(
    ({ maxPointsPerMinute, maxBytesPerMinute, maxLogShare }) =>
      maxPointsPerMinute < Infinity || maxBytesPerMinute < Infinity || maxLogShare < 1,
  );
}
