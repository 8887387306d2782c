/**
 * What a shard's log is seen to hold by those who look without touching it.
 */
import { LOG_START, type IngestLog, type LogEntry, type LogStatus } from "./ingest-log.ts";
import { success, type Result } from "./result.ts";

/** A log at one moment. */
export interface LogView {
  readonly status: Omit<LogStatus, "bytes">;
  /** The oldest entry it holds. */
  readonly oldest: Pick<LogEntry, "id" | "receivedAtMillis"> | undefined;
}

/** Looks at a log. Retryable `unavailable`. */
export async function viewLog(log: IngestLog): Promise<Result<LogView>> {
  const status = await log.status();
  if (status.kind !== "success") return status;
  const oldest = await log.read(LOG_START, 1);
  return oldest.kind === "success" ? success({ status: status.value, oldest: oldest.value[0] }) : oldest;
}
