/**
 * Between the log and the next layout: makes a shard's log take nothing more, and folds what it took.
 */
import type { IngestLog } from "../model/ingest-log.ts";
import type { FaultReports } from "./fault-reports.ts";
import type { Ownership } from "./ownership.ts";

/**
 * Seals the log and folds it by `fold`. True when everything that it will ever hold of this generation is folded. A log that was opened for
 * another generation meanwhile is not sealed and need not be: whoever opened it has moved the offset's generation on, and this one's with it.
 */
export async function sealLog(
  log: IngestLog,
  owned: Ownership,
  faults: FaultReports,
  fold: () => Promise<void>,
): Promise<boolean> {
  // While senders still get through: what is left after the sealing is little then.
  await fold();
  if (!faults.accepted("log", await log.seal(owned.offset.generation))) return false;
  await fold();
  const rest = await log.read(owned.foldedId, 1);
  return faults.accepted("log", rest) && rest.value.length === 0;
}
