/**
 * Settings, inside: those of the bridge for browsers and of the pages behind it.
 */
import { isLoopback } from "./loopback.ts";
import { flag, optional, origins, type SettingDefinition, urlWith, whole } from "./setting-definition.ts";

/** What the bridge runs with. Times are milliseconds. */
export interface BridgeSettings {
  /** `BRIDGE_ORIGINS`; empty: the same origin only */
  readonly bridgeOrigins: readonly string[];
  /** `BRIDGE_JWT_SECRET` */
  readonly bridgeJwtSecret: string | undefined;
  /** `BRIDGE_JWKS_URL` */
  readonly bridgeJwksUrl: string | undefined;
  /** `BRIDGE_FORWARD_URL` */
  readonly bridgeForwardUrl: string | undefined;
  /** `BRIDGE_FORWARD_TOKEN` */
  readonly bridgeForwardToken: string | undefined;
  /** `BRIDGE_MAX_EVENTS_PER_MINUTE`, a participant */
  readonly bridgeMaxEventsPerMinute: number;
  /** `BRIDGE_MAX_EVENT_BYTES`: an event as it comes, and once inflated */
  readonly bridgeMaxEventBytes: number;
  /** `BRIDGE_MAX_SERIES`, a participant and hour */
  readonly bridgeMaxSeries: number;
  /** `BRIDGE_MAX_CONNECTIONS` */
  readonly bridgeMaxConnections: number;
  /** `BRIDGE_MAX_PENDING_PER_ADDRESS`: connections that have shown no token yet */
  readonly bridgeMaxPendingPerAddress: number;
  /** `WEBRTC_STATS_INTERVAL` */
  readonly webrtcStatsIntervalMillis: number;
  /** `WEBRTC_EMIT_THROTTLE` */
  readonly webrtcEmitThrottleMillis: number;
  /** `WEBRTC_BROADCAST_THROTTLE` */
  readonly webrtcBroadcastThrottleMillis: number;
  /** `WEBRTC_WORKER` */
  readonly webrtcWorker: boolean;
}

/** An address over which nobody can listen in or answer in another's place: TLS, or this machine. */
const isPrivateAddress = (value: string): boolean => {
  if (!urlWith("https:", "http:")(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || isLoopback(hostname.replace(/^\[|\]$/g, ""));
};

const isForwardAddress = (value: string): boolean =>
  urlWith("https:", "http:")(value) && new URL(value).username === "" && new URL(value).password === "";

/** The definition of every setting of the bridge, in the order of the documentation. */
export const BRIDGE_SETTING_DEFINITIONS: {
  readonly [K in keyof BridgeSettings]: SettingDefinition<BridgeSettings[K]>;
} = {
  bridgeOrigins: origins(
    "BRIDGE_ORIGINS",
    "Origins whose pages may connect. Unset: the same origin. Without an `Origin` header the token alone decides.",
  ),
  bridgeJwtSecret: optional(
    "BRIDGE_JWT_SECRET",
    "32 characters or more",
    "Secret of HS256 tokens. With `BRIDGE_JWKS_URL` also unset: a random one, printed at start, on loopback only.",
    (value) => value.length >= 32,
    true,
  ),
  bridgeJwksUrl: optional(
    "BRIDGE_JWKS_URL",
    "an https:// address",
    "Public keys (JSON Web Key Set) that tokens are checked against.",
    isPrivateAddress,
  ),
  bridgeForwardUrl: optional(
    "BRIDGE_FORWARD_URL",
    "an http:// or https:// address without user and password",
    "OTLP/HTTP address of a Collector that gets the pages' metrics instead of the log.",
    isForwardAddress,
  ),
  bridgeForwardToken: optional(
    "BRIDGE_FORWARD_TOKEN",
    "a token without spaces",
    "Bearer token for that Collector.",
    (value) => /^\S+$/.test(value),
    true,
  ),
  bridgeMaxEventsPerMinute: whole(
    "BRIDGE_MAX_EVENTS_PER_MINUTE",
    120,
    1,
    100_000,
    "Events of a participant in a minute, over all of their connections; more are refused.",
  ),
  bridgeMaxEventBytes: whole(
    "BRIDGE_MAX_EVENT_BYTES",
    131_072,
    1024,
    16_777_216,
    "Bytes of an event, as it comes and once inflated; more is refused.",
  ),
  bridgeMaxSeries: whole(
    "BRIDGE_MAX_SERIES",
    1000,
    1,
    1_000_000,
    "Different series and scopes of a participant in an hour; events with more are refused.",
  ),
  bridgeMaxConnections: whole(
    "BRIDGE_MAX_CONNECTIONS",
    10_000,
    1,
    1_000_000,
    "Connections of the bridge and the live view; one more is refused.",
  ),
  bridgeMaxPendingPerAddress: whole(
    "BRIDGE_MAX_PENDING_PER_ADDRESS",
    100,
    1,
    1_000_000,
    "Sockets of one address that have shown no token yet; one more is refused. Behind a proxy all have its address.",
  ),
  webrtcStatsIntervalMillis: whole(
    "WEBRTC_STATS_INTERVAL",
    1000,
    100,
    3_600_000,
    "Milliseconds between two looks of a page at its connections.",
  ),
  webrtcEmitThrottleMillis: whole(
    "WEBRTC_EMIT_THROTTLE",
    10_000,
    0,
    3_600_000,
    "Milliseconds between two exports of a page, unless its quality or relay use changes; 0: every look is exported.",
  ),
  webrtcBroadcastThrottleMillis: whole(
    "WEBRTC_BROADCAST_THROTTLE",
    2000,
    100,
    60_000,
    "Milliseconds between two live figures sent to an admin.",
  ),
  webrtcWorker: flag("WEBRTC_WORKER", true, "`false`: pages calculate on their main thread instead of in a worker."),
};
