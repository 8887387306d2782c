/** What the owner of a shard works with. */
import type { IngestLog } from "../model/ingest-log.ts";
import type { OpenBody } from "../model/metrics-walk.ts";
import type { RealtimeStore } from "../model/realtime-store.ts";
import type { RollupStore, StoreTimes } from "../model/rollup-store.ts";
import type { DecodedRoom } from "./decoded-room.ts";
import type { ShardClaimOptions } from "./shard-claim.ts";
import type { ShardFoldOptions } from "./shard-fold-options.ts";

/** What a shard's loop works with. */
export interface ShardOwnerOptions extends ShardClaimOptions {
  readonly shard: number;
  readonly shardCount: number;
  /** The `ShardLayout.epoch` of this division into shards. */
  readonly layout: number;
  readonly log: IngestLog;
  readonly store: RollupStore;
  readonly realtime: RealtimeStore;
  readonly openBody: OpenBody;
  /** Random text, another one with every call: tells one opening of the log from another. */
  readonly newIdentity: () => string;
  readonly fold: Omit<ShardFoldOptions, "birthSeconds" | "shard">;
  /** `METRICS_BATCH_SIZE`. */
  readonly batchEntries: number;
  /** `METRICS_PROCESS_INTERVAL`. */
  readonly processIntervalMillis: number;
  /** `METRICS_PERSIST_INTERVAL`. */
  readonly persistIntervalMillis: number;
  /** `METRICS_BUFFER_SIZE` and `METRICS_BUFFER_BYTES`: a commit comes early when half of either is uncommitted. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** For inflated bodies between the door and the fold, shared by all shards of the process. */
  readonly decodedRoom: DecodedRoom;
  /** Whether a shard that is to be finished, and is committed but for what comes now, may be sealed. Absent: always. */
  readonly maySeal?: () => boolean;
  /** Takes what the shard's stores took of time since it was last asked; absent: nothing is told of it in SQL. */
  readonly takeTimes?: () => StoreTimes;
  /** Takes the points that doors of this process refused for their tenants' limits since it was last asked. */
  readonly takeLimitedPoints?: () => number;
  /** Told of each folding that got through entries: how long it took, seconds. */
  readonly folded?: (seconds: number) => void;
  /** Told of what went wrong and is tried again, one sentence; called once per change, not once per try. */
  readonly report: (message: string) => void;
}
