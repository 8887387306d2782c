/**
 * The settings of the receiver: their names, defaults and what they must be. The one place that knows them; the table in
 * the README is generated from here.
 */
import { parseRedisAddress, REDIS_ADDRESS_FORMS } from "../log/redis-address.ts";
import { isMysqlList } from "../rollup/mysql-address.ts";
import { BRIDGE_SETTING_DEFINITIONS, type BridgeSettings } from "./bridge-settings.ts";
import { TENANT_SETTING_DEFINITIONS, type TenantSettings } from "./tenant-settings.ts";
import {
  amount,
  flag,
  optional,
  optionalPort,
  required,
  type SettingDefinition,
  share,
  whole,
} from "./setting-definition.ts";

/** What the receiver runs with. Times are milliseconds unless the name says otherwise. */
export interface ReceiverSettings extends BridgeSettings, TenantSettings {
  /** `METRICS_ENABLED` */
  readonly metricsEnabled: boolean;
  /** `METRICS_BUFFER_SIZE` */
  readonly bufferEntries: number;
  /** `METRICS_BUFFER_BYTES` */
  readonly bufferBytes: number;
  /** `METRICS_BATCH_SIZE` */
  readonly batchEntries: number;
  /** `METRICS_PROCESS_INTERVAL` */
  readonly processIntervalMillis: number;
  /** `METRICS_PERSIST_INTERVAL` */
  readonly persistIntervalMillis: number;
  /** `METRICS_MAX_SERIES` */
  readonly maxSeries: number;
  /** `METRICS_DELTA_MAX_AGE` */
  readonly deltaMaxAgeMillis: number;
  /** `REDIS_METRICS_TTL`, seconds */
  readonly realtimeTtlSeconds: number;
  /** `REDIS_URL` */
  readonly redisUrl: string | undefined;
  /** `REDIS_CA_FILE` */
  readonly redisCaFile: string | undefined;
  /** `REDIS_WAIT_REPLICAS` */
  readonly redisWaitReplicas: number;
  /** `MYSQL_URL` */
  readonly mysqlUrl: string | undefined;
  /** `DATA_DIR` */
  readonly dataDirectory: string;
  /** `OTLP_HOST` */
  readonly otlpHost: string;
  /** `OTLP_PORT`; 0 takes any free port */
  readonly otlpPort: number;
  /** `OTLP_GRPC_PORT`; 0 takes any free port */
  readonly otlpGrpcPort: number | undefined;
  /** `OTLP_TOKEN` */
  readonly otlpToken: string | undefined;
  /** `OTLP_MAX_BODY_BYTES`: a body as it comes, and once inflated */
  readonly maxBodyBytes: number;
  /** `TLS_CERT_FILE` */
  readonly tlsCertFile: string | undefined;
  /** `TLS_KEY_FILE` */
  readonly tlsKeyFile: string | undefined;
  /** `BRIDGE_HOST` */
  readonly bridgeHost: string;
  /** `BRIDGE_PORT`; 0 takes any free port */
  readonly bridgePort: number;
  /** `TURN_COST_PER_USER_HOUR` */
  readonly turnCostPerUserHour: number;
  /** `TURN_COST_PER_GB` */
  readonly turnCostPerGigabyte: number;
  /** `ALERT_HTTP_P95_MILLIS` */
  readonly alertHttpP95Millis: number;
  /** `ALERT_POOR_SHARE`, 0 to 1 */
  readonly alertPoorShare: number;
  /** `ALERT_TURN_COST_PER_HOUR` */
  readonly alertTurnCostPerHour: number;
  /** `ALERT_PACKET_LOSS`, 0 to 1 */
  readonly alertPacketLoss: number;
  /** `ALERT_ERROR_RATIO`, 0 to 1 */
  readonly alertErrorRatio: number;
  /** `SHARDS` */
  readonly shards: number;
}

/** The definition of every setting. */
export type SettingDefinitions = { readonly [K in keyof ReceiverSettings]: SettingDefinition<ReceiverSettings[K]> };

function redisUrlFault(value: string): string | undefined {
  const read = parseRedisAddress(value);
  return read.kind === "success" ? undefined : read.reason;
}

/** Every setting, in the order the documentation lists them. */
export const SETTING_DEFINITIONS: SettingDefinitions = {
  metricsEnabled: flag(
    "METRICS_ENABLED",
    true,
    "`false`: nothing is instrumented or accepted. The way back, in seconds.",
  ),
  bufferEntries: whole(
    "METRICS_BUFFER_SIZE",
    10_000,
    2,
    10_000_000,
    "Entries that a shard's log holds before senders are answered 503.",
  ),
  bufferBytes: whole(
    "METRICS_BUFFER_BYTES",
    268_435_456,
    1_048_576,
    1_099_511_627_776,
    "Bytes that a shard's log holds before senders are answered 503.",
  ),
  batchEntries: whole("METRICS_BATCH_SIZE", 100, 1, 10_000, "Entries read from the log at a time."),
  processIntervalMillis: whole(
    "METRICS_PROCESS_INTERVAL",
    5000,
    50,
    60_000,
    "Milliseconds between two foldings of what came in, and two updates of the live view.",
  ),
  persistIntervalMillis: whole(
    "METRICS_PERSIST_INTERVAL",
    60_000,
    100,
    3_600_000,
    "Milliseconds between two commits to SQL.",
  ),
  maxSeries: whole(
    "METRICS_MAX_SERIES",
    10_000,
    1,
    1_000_000,
    "Active series of a shard; the row `__other__` takes the rest.",
  ),
  deltaMaxAgeMillis: whole(
    "METRICS_DELTA_MAX_AGE",
    3_600_000,
    60_000,
    86_400_000,
    "Milliseconds: older delta points are refused, younger ones are told from repetitions.",
  ),
  realtimeTtlSeconds: whole(
    "REDIS_METRICS_TTL",
    300,
    10,
    86_400,
    "Seconds that realtime figures stay in Redis without news.",
  ),
  redisUrl: {
    ...optional(
      "REDIS_URL",
      REDIS_ADDRESS_FORMS,
      "Redis or Valkey for the log and realtime: `redis://user:password@host:port`, `redis+cluster://user:password@host:port,host:port` with some nodes of a cluster, or `redis+sentinel://user:password@host:port,host:port/name` with Sentinels (`?sentinel_user=…&sentinel_password=…` is who we are to them); `rediss` for TLS. Unset: embedded, in `DATA_DIR` and memory.",
      (value) => parseRedisAddress(value).kind === "success",
      true,
    ),
    explain: redisUrlFault,
  },
  redisCaFile: optional(
    "REDIS_CA_FILE",
    "a path",
    "Authority (PEM) that Redis's certificate is trusted of. Unset: those that Node trusts.",
  ),
  redisWaitReplicas: whole(
    "REDIS_WAIT_REPLICAS",
    0,
    0,
    16,
    "Replicas of Redis that must have a request before it is answered 2xx. Needed for a fail-over that loses nothing.",
  ),
  mysqlUrl: optional(
    "MYSQL_URL",
    "mysql:// addresses, each with a database name",
    "MySQL or MariaDB for the totals; several hosts are a group with fail-over, several addresses share the shards. Unset: embedded, in `DATA_DIR`.",
    isMysqlList,
    true,
  ),
  dataDirectory: required("DATA_DIR", "./data", "Folder of the embedded stores."),
  otlpHost: required("OTLP_HOST", "127.0.0.1", "Address the OTLP server listens on."),
  otlpPort: whole("OTLP_PORT", 4318, 0, 65_535, "Port of the OTLP server."),
  otlpGrpcPort: optionalPort("OTLP_GRPC_PORT", "Port of OTLP/gRPC, 4317 by custom, on `OTLP_HOST`. Unset: no gRPC."),
  otlpToken: optional(
    "OTLP_TOKEN",
    "a token of 8 characters or more, without spaces",
    "Bearer token that senders must have; needed when `OTLP_HOST` is not loopback.",
    (value) => /^\S{8,}$/.test(value),
    true,
  ),
  maxBodyBytes: whole(
    "OTLP_MAX_BODY_BYTES",
    20_971_520,
    1024,
    1_073_741_824,
    "Bytes of a request's body, as it comes and once inflated; more is answered 413.",
  ),
  tlsCertFile: optional("TLS_CERT_FILE", "a path", "Certificate (PEM) of all servers; read again on SIGHUP."),
  tlsKeyFile: optional("TLS_KEY_FILE", "a path", "Its private key (PEM)."),
  bridgeHost: required(
    "BRIDGE_HOST",
    "127.0.0.1",
    "Address of the bridge for browsers and of the live view; off loopback, `/api/*` and `/metrics` ask for an admin's token.",
  ),
  bridgePort: whole("BRIDGE_PORT", 4320, 0, 65_535, "Its port."),
  ...BRIDGE_SETTING_DEFINITIONS,
  turnCostPerUserHour: amount("TURN_COST_PER_USER_HOUR", 0.05, "Price of one user relayed for one hour."),
  turnCostPerGigabyte: amount("TURN_COST_PER_GB", 0, "Price of 10^9 relayed bytes."),
  alertHttpP95Millis: amount(
    "ALERT_HTTP_P95_MILLIS",
    300,
    "Milliseconds: the alert `http-latency-p95` fires above it.",
  ),
  alertPoorShare: share(
    "ALERT_POOR_SHARE",
    0.2,
    "Share of a meeting's time (0 to 1): `webrtc-poor-quality` fires above it.",
  ),
  alertTurnCostPerHour: amount("ALERT_TURN_COST_PER_HOUR", 1, "Cost of the TURN relay: `turn-cost` fires above it."),
  alertPacketLoss: share("ALERT_PACKET_LOSS", 0.05, "Ratio (0 to 1): `webrtc-packet-loss` fires above it."),
  alertErrorRatio: share("ALERT_ERROR_RATIO", 0.05, "Ratio (0 to 1): `http-error-ratio` fires above it."),
  ...TENANT_SETTING_DEFINITIONS,
  shards: whole(
    "SHARDS",
    1,
    1,
    1024,
    "Shards of the log, each folded by one receiver at a time; more than there are makes them more, for all receivers.",
  ),
};

/** The settings as documentation shows them. */
export const SETTINGS: readonly { readonly name: string; readonly defaultText: string; readonly meaning: string }[] =
  Object.values(SETTING_DEFINITIONS).map(({ name, fallback, meaning }) => ({
    name,
    defaultText: fallback === undefined || String(fallback) === "" ? "unset" : String(fallback),
    meaning,
  }));
