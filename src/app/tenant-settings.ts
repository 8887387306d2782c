/**
 * Settings, inside: what one tenant (a `service.namespace`) may take of a receiver that several share.
 */
import { optional, share, type SettingDefinition, whole } from "./setting-definition.ts";

/** The limits of every tenant that `TENANTS_FILE` says nothing of. Without them a tenant is limited as all are. */
export interface TenantSettings {
  /** `TENANT_MAX_POINTS_PER_MINUTE`; 0: no limit */
  readonly tenantMaxPointsPerMinute: number;
  /** `TENANT_MAX_BYTES_PER_MINUTE`; 0: no limit */
  readonly tenantMaxBytesPerMinute: number;
  /** `TENANT_MAX_SERIES`, of a shard; 0: no limit */
  readonly tenantMaxSeries: number;
  /** `TENANT_MAX_LOG_SHARE`, above 0; 1: all of it */
  readonly tenantMaxLogShare: number;
  /** `TENANTS_FILE` */
  readonly tenantsFile: string | undefined;
}

const isShare = (value: unknown): boolean => typeof value === "number" && value > 0 && value <= 1;
const logShare = share(
  "TENANT_MAX_LOG_SHARE",
  1,
  "Part (above 0, at most 1) of a shard's log that the data of a tenant may take; beyond it, it is answered 429.",
);

/** The definition of every setting of tenants, in the order of the documentation. */
export const TENANT_SETTING_DEFINITIONS: {
  readonly [K in keyof TenantSettings]: SettingDefinition<TenantSettings[K]>;
} = {
  tenantMaxPointsPerMinute: whole(
    "TENANT_MAX_POINTS_PER_MINUTE",
    0,
    0,
    1_000_000_000_000,
    "Data points that a receiver takes of a tenant (`service.namespace`) a minute; more is answered 429. 0: no limit.",
  ),
  tenantMaxBytesPerMinute: whole(
    "TENANT_MAX_BYTES_PER_MINUTE",
    0,
    0,
    1_000_000_000_000,
    "Inflated bytes that a receiver takes of a tenant a minute; more is answered 429. 0: no limit.",
  ),
  tenantMaxSeries: whole(
    "TENANT_MAX_SERIES",
    0,
    0,
    1_000_000,
    "Active series of a tenant in a shard; a row `__other__` of its namespace takes the rest. 0: no limit of its own.",
  ),
  tenantMaxLogShare: {
    ...logShare,
    expected: "a number above 0, at most 1",
    accepts: isShare,
    parse: (text) => (isShare(logShare.parse(text)) ? logShare.parse(text) : undefined),
  },
  tenantsFile: optional(
    "TENANTS_FILE",
    "a path",
    "JSON file with limits and bearer tokens of single tenants; read again on SIGHUP. See docs/tenants.md.",
  ),
};
