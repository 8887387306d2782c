/**
 * What a shard's log is seen to hold by those who look without touching it.
 */
import type { LogEntry, LogStatus } from "./ingest-log.ts";

/** A log at one moment. */
export interface LogView {
  readonly status: Omit<LogStatus, "bytes">;
  /** The oldest entry it holds. */
  readonly oldest: Pick<LogEntry, "id" | "receivedAtMillis"> | undefined;
}
