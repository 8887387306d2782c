/**
 * Checks each shard's log against its totals: that it is the one they were counted from, and goes on where they end.
 */
import { logGap, type LogGap } from "../../aggregate/log-opening.ts";
import { LOG_START } from "../../model/ingest-log.ts";
import { compareLogIds } from "../../model/log-id.ts";
import type { LogView } from "../../model/log-view.ts";
import type { ShardOffset } from "../../model/rollup-store.ts";
import { fail, ok, warn, type Check } from "../doctor/check.ts";
import { counted, plain, timeText, type Finding } from "./finding.ts";

/** A shard's log, looked at before its offset was read: what is committed in between must not look like a gap. */
export interface ShardToVerify {
  readonly shard: number;
  /** Whether a receiver with these settings folds it. */
  readonly isConfigured: boolean;
  readonly view: LogView;
  /** Absent when no owner ever had the shard. */
  readonly offset: Standing | undefined;
  /** The offset before the log was looked at: no log that is whole ends before it. */
  readonly offsetBefore: Standing | undefined;
}

/** What is looked at of an offset. */
type Standing = Pick<ShardOffset, "generation" | "lastId" | "logIdentity" | "persistedAt">;

const NEVER: Standing = { generation: 1, lastId: LOG_START, logIdentity: "", persistedAt: 0 };

/** The check of one shard. */
export function logFinding({
  shard,
  isConfigured,
  view,
  offset = NEVER,
  offsetBefore = NEVER,
}: ShardToVerify): Finding {
  const subject = `log of shard ${shard}`;
  const gap = logGap(view, offset);
  if (gap !== undefined) return plain(fail(subject, gapMessage(gap, offset)));
  const loss = lossMessage(view, offset, offsetBefore);
  if (loss !== undefined) return plain(fail(subject, loss));
  if (!isConfigured && view.status.entries > 0) {
    const message = `${counted(view.status.entries, "entry", "entries")} that no receiver folds: SHARDS is lower than it was`;
    return plain(warn(subject, message));
  }
  return plain(standing(subject, view, offset));
}

function gapMessage({ afterId, beforeId, beforeMillis }: LogGap, { persistedAt }: Standing): string {
  const from = persistedAt === 0 ? "the beginning" : timeText(persistedAt);
  const until = beforeMillis === undefined ? "now" : timeText(Math.floor(beforeMillis / 1000));
  return (
    `the totals end at entry ${afterId} and the log goes on at ${beforeId ?? "nothing"}: what was acknowledged from ${from} ` +
    `to ${until} is in neither. The totals are an older copy than the log was trimmed for: restore a newer one before ` +
    "a receiver starts on this one"
  );
}

/** What tells that the log is not whole, and not only that a receiver has yet to open it anew. */
function lossMessage({ status, oldest }: LogView, offset: Standing, offsetBefore: Standing): string | undefined {
  if (compareLogIds(status.lastId, offsetBefore.lastId) < 0) {
    const what = status.generation === 0 ? "it is new, or was emptied" : "it is an older copy, or lost its end";
    return (
      `it ends at entry ${status.lastId}, before the totals at ${offsetBefore.lastId}: ${what}. ` +
      "What was in it after that and not yet counted is lost, unless another log has it"
    );
  }
  // An opening that was cut short leaves an earlier generation behind, never this one with another identity.
  const isAnother = status.generation === offset.generation && status.identity !== offset.logIdentity;
  if (!isAnother || oldest === undefined || compareLogIds(oldest.id, offset.lastId) > 0) return undefined;
  return (
    `it is another log than the totals were counted from, and holds entries from ${oldest.id} on that are not in them: up to ` +
    `${offset.lastId} no receiver will count them. Give these totals their own log, and this log its own totals`
  );
}

function standing(subject: string, { status, oldest }: LogView, offset: Standing): Check {
  const waiting = oldest === undefined ? "nothing waits in it" : `${counted(status.entries, "entry", "entries")} in it`;
  if (status.generation === 0 && offset.logIdentity === "") return ok(subject, "not used yet");
  if (status.generation !== offset.generation || status.identity !== offset.logIdentity) {
    return warn(
      subject,
      `it was opened as generation ${status.generation}, and the totals are counted from generation ${offset.generation}: ` +
        `it takes nothing until a receiver opens it anew, above entry ${offset.lastId}`,
    );
  }
  if (!status.isOpen) {
    return warn(
      subject,
      "Redis was restarted or promoted: the log takes nothing until a receiver opens it anew, within a second where one runs",
    );
  }
  return ok(subject, `it goes on where the totals end, at entry ${offset.lastId}; ${waiting}`);
}

/** Whether a finding may only mean that a receiver was at work between two looks. */
export function mayPass({ level }: Finding): boolean {
  return level !== "ok";
}
