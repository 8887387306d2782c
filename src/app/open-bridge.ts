/** Wiring: the bridge for browsers, as the settings ask for it. */
import { randomInt } from "node:crypto";
import { Bridge, DEFAULT_BRIDGE_LIMITS } from "../bridge/bridge.ts";
import type { LiveFigures } from "../bridge/live-broadcast.ts";
import { OtlpForwarder } from "../bridge/otlp-forwarder.ts";
import type { PageConfig } from "../bridge/page-config.ts";
import type { TakePageMetrics } from "../bridge/page-sockets.ts";
import { authoriseAdmin, type TokenKeys } from "../bridge/token-keys.ts";
import type { LiveServer } from "../bridge/live-server.ts";
import type { Clock } from "../model/clock.ts";
import type { OpenBody } from "../model/metrics-walk.ts";
import type { Result } from "../model/result.ts";
import { stampRequest } from "../otlp/stamp-request.ts";
import { walkMetrics } from "../otlp/walk-metrics.ts";
import type { ReceiverSettings } from "./settings.ts";

/** What the bridge is made of. */
export interface BridgeParts {
  readonly live: LiveServer;
  readonly keys: TokenKeys;
  readonly clock: Clock;
  /** Takes in what pages send, unless a Collector is to get it. */
  readonly take: TakePageMetrics;
  /** Inflates what pages send. */
  readonly openBody: OpenBody;
  /** Whether anything may be taken in now. */
  readonly gate: () => Result<void>;
  /** The figures that admins are sent. */
  readonly figures: () => Promise<Result<LiveFigures>>;
  readonly report: (message: string) => void;
}

/** The bridge, on the live view's server. */
export function openBridge(settings: ReceiverSettings, parts: BridgeParts): Bridge {
  const { live, keys, clock, take, report } = parts;
  return new Bridge(live.http, {
    clock,
    verify: (token) => keys.verify(token),
    authorise: (token) => authoriseAdmin(keys, token),
    origins: settings.bridgeOrigins,
    config: pageConfig(settings),
    take: settings.bridgeForwardUrl === undefined ? take : forwarding(settings.bridgeForwardUrl, settings, parts),
    walk: walkMetrics,
    live: parts.figures,
    broadcastThrottleMillis: settings.webrtcBroadcastThrottleMillis,
    limits: {
      ...DEFAULT_BRIDGE_LIMITS,
      maxEventBytes: settings.bridgeMaxEventBytes,
      maxEventsPerMinute: settings.bridgeMaxEventsPerMinute,
      maxSeries: settings.bridgeMaxSeries,
      maxPendingPerAddress: settings.bridgeMaxPendingPerAddress,
    },
    hashSeed: randomInt(2 ** 48 - 1),
    report,
  });
}

/** A Collector that is asked for longer makes pages try again. */
const FORWARD_TIMEOUT_MILLIS = 8000;
const MAX_FORWARDS_IN_FLIGHT = 64;

function forwarding(url: string, settings: ReceiverSettings, parts: BridgeParts): TakePageMetrics {
  const { clock, openBody, gate, report } = parts;
  const forwarder = new OtlpForwarder({
    url,
    token: settings.bridgeForwardToken,
    clock,
    openBody,
    stamp: stampRequest,
    gate,
    timeoutMillis: FORWARD_TIMEOUT_MILLIS,
    maxInFlight: MAX_FORWARDS_IN_FLIGHT,
    report: (reason) => report(`BRIDGE_FORWARD_URL: ${reason}`),
  });
  return (request, page) => forwarder.accept(request, page);
}

/** What pages are told by these settings. */
function pageConfig(settings: ReceiverSettings): PageConfig {
  return {
    enabled: settings.metricsEnabled,
    statsIntervalMillis: settings.webrtcStatsIntervalMillis,
    emitThrottleMillis: settings.webrtcEmitThrottleMillis,
    worker: settings.webrtcWorker,
  };
}
