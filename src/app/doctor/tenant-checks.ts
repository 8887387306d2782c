/**
 * Checks the limits of tenants: that their file can be read, and that their series have room beside each other.
 */
import { messageOf } from "../../model/result.ts";
import type { ReceiverSettings } from "../settings.ts";
import { readTenantRules, type TenantRules } from "../tenants-file.ts";
import { fail, ok, warn, type Check } from "./check.ts";

/** Nothing where no limit is set. */
export function tenantChecks(settings: ReceiverSettings): readonly Check[] {
  let rules: TenantRules;
  try {
    rules = readTenantRules(settings);
  } catch (error) {
    return [fail("tenants", messageOf(error))];
  }
  const { defaults, byTenant } = rules.plan;
  const checks = settings.tenantsFile === undefined ? [] : [ok("tenants", `${byTenant.size} in TENANTS_FILE`)];
  const largest = [defaults, ...byTenant.values()].map(({ maxSeries }) => maxSeries).filter(Number.isFinite);
  const sum = largest.reduce((all, maxSeries) => all + maxSeries, 0);
  if (sum <= settings.maxSeries) return checks;
  const mend = "raise METRICS_MAX_SERIES, or else tenants within their limits can find the shard full";
  return [
    ...checks,
    warn("tenants", `their series may be ${sum}, METRICS_MAX_SERIES is ${settings.maxSeries}: ${mend}`),
  ];
}
