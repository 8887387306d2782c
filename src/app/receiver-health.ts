/**
 * Wiring: the receiver's own metrics, from what its parts count and from calls to its stores, which are timed on their way.
 */
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import type { IMetricReader } from "@opentelemetry/sdk-metrics";
import { PlainText } from "../bridge/live-server.ts";
import type { Clock } from "../model/clock.ts";
import type { IngestLog } from "../model/ingest-log.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import { type Result, success } from "../model/result.ts";
import type { RollupStore, StoreTimes } from "../model/rollup-store.ts";
import type { StoreCall, StoreName } from "../model/store-call.ts";
import { CallTiming } from "../telemetry/call-timing.ts";
import {
  type Observers,
  PROMETHEUS_CONTENT_TYPE,
  RECEIVER_SCOPE,
  ReceiverTelemetry,
} from "../telemetry/receiver-telemetry.ts";
import { ShardTimes } from "../telemetry/shard-times.ts";
import { timedLog } from "../telemetry/timed-log.ts";
import { timedRealtimeStore } from "../telemetry/timed-realtime-store.ts";
import { timedRollupStore } from "../telemetry/timed-rollup-store.ts";
import { serviceInstance } from "./service-instance.ts";
import type { ReceiverSettings } from "./settings.ts";

/** The stores of one shard, timed, and what its owner tells and asks. */
export interface TimedShard {
  readonly log: IngestLog;
  readonly store: RollupStore;
  readonly realtime: RealtimeStore;
  readonly takeTimes: () => StoreTimes;
  readonly folded: (seconds: number) => void;
}

/** The stores of one shard as they are. */
export type UntimedShard = Pick<TimedShard, "log" | "store" | "realtime">;

/** What the last export may take when the receiver stops. */
const SHUTDOWN_DEADLINE_MILLIS = 2000;

/** Measures a receiver. */
export class ReceiverHealth {
  readonly #telemetry: ReceiverTelemetry;
  readonly #clock: Clock;
  readonly #systems: Readonly<Record<StoreName, string>>;

  constructor(settings: ReceiverSettings, clock: Clock) {
    const { redisUrl, mysqlUrl } = settings;
    this.#clock = clock;
    this.#telemetry = new ReceiverTelemetry(clock);
    this.#systems = {
      log: redisUrl === undefined ? "sqlite" : "redis",
      realtime: redisUrl === undefined ? "memory" : "redis",
      totals: mysqlUrl === undefined ? "sqlite" : "mysql",
    };
  }

  /** The same stores, timed, for the owner of one shard. */
  timed({ log, store, realtime }: UntimedShard): TimedShard {
    const clock = this.#clock;
    const times = new ShardTimes();
    const observe = (call: StoreCall): void => {
      times.add(call);
      this.#record(call);
    };
    return {
      log: timedLog(log, new CallTiming("log", clock, observe)),
      realtime: timedRealtimeStore(realtime, new CallTiming("realtime", clock, observe)),
      store: timedRollupStore(store, new CallTiming("totals", clock, observe)),
      takeTimes: () => times.take(),
      folded: (seconds) => this.#telemetry.record("bandwidth.receiver.fold.duration", seconds),
    };
  }

  /** The same store, timed, for whoever only reads. */
  timedRealtime(realtime: RealtimeStore): RealtimeStore {
    return timedRealtimeStore(realtime, new CallTiming("realtime", this.#clock, (call) => this.#record(call)));
  }

  /** Begins to measure; `readers` export. */
  start(observers: Observers, readers: readonly IMetricReader[]): void {
    const own = { "service.name": "otel-bandwidth", "service.version": RECEIVER_SCOPE.version };
    const named = detectResources({ detectors: [envDetector] });
    const resource = serviceInstance().merge(resourceFromAttributes(own)).merge(named);
    this.#telemetry.start({ resource, observers, readers });
  }

  /** The answer to `GET /metrics`. Retryable `unavailable` when nothing is measured. */
  async metricsPage(): Promise<Result<PlainText>> {
    const text = await this.#telemetry.prometheusText();
    return text.kind === "success" ? success(new PlainText(PROMETHEUS_CONTENT_TYPE, text.value)) : text;
  }

  /** Exports a last time, for two seconds at most. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(SHUTDOWN_DEADLINE_MILLIS, resolve);
      void this.#telemetry.shutdown().finally(() => {
        timer.clear();
        resolve();
      });
    });
  }

  #record({ store, operation, seconds, failure }: StoreCall): void {
    this.#telemetry.record("bandwidth.receiver.store.duration", seconds, {
      "bandwidth.store": store,
      "db.system.name": this.#systems[store],
      "db.operation.name": operation,
      ...(failure !== undefined && { "error.type": failure }),
    });
  }
}
