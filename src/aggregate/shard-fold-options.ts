/** What a shard is folded with. */
import type { WalkMetrics } from "../model/metrics-walk.ts";
import type { RelayPrices } from "../model/relay-prices.ts";

/** How a shard is folded. */
export interface ShardFoldOptions {
  readonly shard: number;
  readonly walk: WalkMetrics;
  /** `METRICS_MAX_SERIES`. */
  readonly maxSeries: number;
  /** Of one tenant (`service.namespace`), beside `maxSeries`; absent: none has a limit of its own. */
  readonly maxSeriesOf?: (tenant: string) => number;
  /** `METRICS_DELTA_MAX_AGE`, milliseconds. */
  readonly deltaMaxAgeMillis: number;
  /** Delta points known at once; past that the oldest are forgotten and what may be of their time goes to quarantine. */
  readonly maxRecentDeltas: number;
  /** Bytes of memory for the state of streams, by an estimate; points that need more go to quarantine. */
  readonly maxStateBytes: number;
  /** When migration 1 ran, epoch seconds. */
  readonly birthSeconds: number;
  readonly prices: RelayPrices;
}
