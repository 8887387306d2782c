/** A log whose calls are timed. */
import type { IngestLog } from "../model/ingest-log.ts";
import type { CallTiming } from "./call-timing.ts";

/** The same log, timed. */
export function timedLog(log: IngestLog, timing: CallTiming): IngestLog {
  return {
    open: (opening) => timing.time("open", () => log.open(opening)),
    supersede: (generation) => timing.time("supersede", () => log.supersede(generation)),
    seal: (generation) => timing.time("seal", () => log.seal(generation)),
    append: (entry) => timing.time("append", () => log.append(entry)),
    read: (afterId, limit) => timing.time("read", () => log.read(afterId, limit)),
    trim: (throughId) => timing.time("trim", () => log.trim(throughId)),
    status: () => timing.time("status", () => log.status()),
    writable: () => timing.time("writable", () => log.writable()),
  };
}
