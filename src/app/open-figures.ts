/** Wiring: what is happening now, read once for the API, the live page and admins together. */
import type { Clock } from "../model/clock.ts";
import type { LiveAlert } from "../model/live-alert.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { type Result, success } from "../model/result.ts";
import { liveHistory, type LiveHistory } from "../realtime/live-history.ts";
import { liveView, type LiveView } from "../realtime/live-view.ts";
import { SharedRead } from "../realtime/shared-read.ts";

/** What the figures are made of. */
export interface FigureParts {
  readonly clock: Clock;
  /** That of the shards as they are now. */
  readonly realtime: () => Pick<RealtimeStore, "snapshot" | "steps">;
  /** Those of now: they are told of at once. */
  readonly alerts: () => readonly LiveAlert[];
  readonly prices: RelayPrices;
  /** `WEBRTC_BROADCAST_THROTTLE`. */
  readonly throttleMillis: number;
}

/** The figures, for whoever asks. */
export interface OpenFigures {
  readonly view: () => Promise<Result<LiveView>>;
  readonly history: () => Promise<Result<LiveHistory>>;
}

/** Figures are no older than this when somebody asks, however seldom admins are sent them. */
const MAX_KEPT_MILLIS = 2000;
/** Timers come a little early: a broadcast must not be given what it had the last time. */
const TIMER_TOLERANCE_MILLIS = 20;

/** The figures of these shards; nothing is read before somebody asks. */
export function openFigures({ clock, realtime, alerts, prices, throttleMillis }: FigureParts): OpenFigures {
  const keptMillis = Math.min(throttleMillis, MAX_KEPT_MILLIS) - TIMER_TOLERANCE_MILLIS;
  const view = new SharedRead({
    clock,
    keptMillis,
    read: async () => {
      const atMillis = clock.nowMillis();
      const series = await realtime().snapshot(atMillis);
      return series.kind === "success" ? success(liveView(series.value, atMillis, [], prices)) : series;
    },
  });
  const history = new SharedRead({
    clock,
    keptMillis,
    read: async () => {
      const steps = await realtime().steps(clock.nowMillis());
      return steps.kind === "success" ? success(liveHistory(steps.value, prices)) : steps;
    },
  });
  return {
    view: async () => {
      const shared = await view.get();
      return shared.kind === "success" ? success({ ...shared.value, alerts: alerts() }) : shared;
    },
    history: () => history.get(),
  };
}
