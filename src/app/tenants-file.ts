/**
 * Reads what the settings and their file say of tenants: limits, and whose which bearer token is.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { DIMENSION_LENGTHS } from "../model/dimensions.ts";
import { messageOf } from "../model/result.ts";
import type { TenantLimits, TenantPlan } from "../model/tenant-limits.ts";
import type { TenantTokens } from "../receive/sender-tokens.ts";
import type { TenantSettings } from "./tenant-settings.ts";

/** Limits, and the tokens that are one tenant's. */
export interface TenantRules {
  readonly plan: TenantPlan;
  readonly tokens: TenantTokens;
}

/** Tenants that a file may name. */
const MAX_TENANTS = 100_000;

/** What one name of a tenant's limits must be. */
interface Rule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

const WHOLE: Rule = {
  expected: "a whole number, 0 for no limit",
  accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
const RULES: Readonly<Record<string, Rule>> = {
  maxPointsPerMinute: WHOLE,
  maxBytesPerMinute: WHOLE,
  maxSeries: WHOLE,
  maxLogShare: {
    expected: "a number above 0, at most 1",
    accepts: (value) => typeof value === "number" && value > 0 && value <= 1,
  },
  tokens: {
    expected: "a list of texts of 8 characters or more, without spaces",
    accepts: (value) =>
      Array.isArray(value) && value.every((token) => typeof token === "string" && /^\S{8,}$/.test(token)),
  },
};

/** Reads them. Throws one Error that lists every fault of the file, and when it cannot be read. Tokens are never shown. */
export function readTenantRules(settings: TenantSettings): TenantRules {
  const defaults: TenantLimits = {
    maxPointsPerMinute: settings.tenantMaxPointsPerMinute || Infinity,
    maxBytesPerMinute: settings.tenantMaxBytesPerMinute || Infinity,
    maxSeries: settings.tenantMaxSeries || Infinity,
    maxLogShare: settings.tenantMaxLogShare,
  };
  const { tenantsFile } = settings;
  if (tenantsFile === undefined) return { plan: { defaults, byTenant: new Map() }, tokens: new Map() };
  const entries = entriesOf(tenantsFile);
  const faults: string[] = [];
  const byTenant = new Map<string, TenantLimits>();
  const tokens = new Map<string, string>();
  for (const [tenant, given] of entries) {
    const wrong = faultsOf(tenant, given);
    faults.push(...wrong);
    if (wrong.length > 0) continue;
    const { tokens: own = [], ...limits } = given as Partial<TenantLimits> & { tokens?: readonly string[] };
    byTenant.set(tenant, withoutZeros({ ...defaults, ...limits }));
    for (const token of own) {
      const digest = createHash("sha256").update(token).digest("hex");
      if (tokens.has(digest)) faults.push(`${JSON.stringify(tenant)}.tokens: one of them is given twice`);
      tokens.set(digest, tenant);
    }
  }
  if (faults.length > 0) throw new Error(faults.map((fault) => `TENANTS_FILE: ${fault}`).join("\n"));
  return { plan: { defaults, byTenant }, tokens };
}

function entriesOf(path: string): [string, unknown][] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`TENANTS_FILE: expected a JSON file (${messageOf(error)})`, { cause: error });
  }
  if (!isObject(content)) throw new Error("TENANTS_FILE: expected an object with a member for each tenant");
  const entries = Object.entries(content);
  if (entries.length > MAX_TENANTS) throw new Error(`TENANTS_FILE: expected ${MAX_TENANTS} tenants at most`);
  return entries;
}

function faultsOf(tenant: string, given: unknown): string[] {
  const name = JSON.stringify(tenant);
  if (tenant.length > DIMENSION_LENGTHS.namespace) {
    return [`${name}: expected a name of ${DIMENSION_LENGTHS.namespace} characters at most`];
  }
  if (!isObject(given)) return [`${name}: expected an object`];
  return Object.entries(given).flatMap(([key, value]) => {
    const rule = RULES[key];
    if (rule === undefined) return [`${name}.${key}: there is no such limit, only ${Object.keys(RULES).join(", ")}`];
    if (rule.accepts(value)) return tenant === "" && key === "tokens" ? [`"": a token must name a tenant`] : [];
    const got = key === "tokens" ? "" : ` (got ${JSON.stringify(value)})`;
    return [`${name}.${key}: expected ${rule.expected}${got}`];
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutZeros({ maxPointsPerMinute, maxBytesPerMinute, maxSeries, maxLogShare }: TenantLimits): TenantLimits {
  return {
    maxPointsPerMinute: maxPointsPerMinute || Infinity,
    maxBytesPerMinute: maxBytesPerMinute || Infinity,
    maxSeries: maxSeries || Infinity,
    maxLogShare,
  };
}
