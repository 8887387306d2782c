/** Wiring: the bridge for browsers, as the settings ask for it. */
import { Bridge, DEFAULT_BRIDGE_LIMITS } from "../bridge/bridge.ts";
import type { PageConfig } from "../bridge/page-config.ts";
import type { TakePageMetrics } from "../bridge/page-sockets.ts";
import type { TokenKeys } from "../bridge/token-keys.ts";
import type { LiveServer } from "../bridge/live-server.ts";
import type { Clock } from "../model/clock.ts";
import { walkMetrics } from "../otlp/walk-metrics.ts";
import type { ReceiverSettings } from "./settings.ts";

/** What the bridge is made of. */
export interface BridgeParts {
  readonly live: LiveServer;
  readonly keys: TokenKeys;
  readonly clock: Clock;
  /** Takes in what pages send, where nothing else is to get it. */
  readonly take: TakePageMetrics;
  readonly report: (message: string) => void;
}

/** The bridge, on the live view's server. */
export function openBridge(settings: ReceiverSettings, { live, keys, clock, take, report }: BridgeParts): Bridge {
  return new Bridge(live.http, {
    clock,
    verify: (token) => keys.verify(token),
    origins: settings.bridgeOrigins,
    config: pageConfig(settings),
    take,
    walk: walkMetrics,
    limits: {
      ...DEFAULT_BRIDGE_LIMITS,
      maxEventBytes: settings.bridgeMaxEventBytes,
      maxEventsPerMinute: settings.bridgeMaxEventsPerMinute,
      maxSeries: settings.bridgeMaxSeries,
      maxPendingPerAddress: settings.bridgeMaxPendingPerAddress,
    },
    report,
  });
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
