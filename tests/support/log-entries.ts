/** Entries for tests of logs. */
import { randomBytes } from "node:crypto";
import { LOG_START } from "../../src/model/ingest-log.ts";
import type { AppendedEntry, IngestLog, LogEntry, LogEntryInput, LogOpening } from "../../src/model/ingest-log.ts";
import type { Result } from "../../src/model/result.ts";

/** An entry with a random body; `changes` replace its parts. */
export function logEntry(changes: Partial<LogEntryInput> = {}): LogEntryInput {
  return {
    contentType: "protobuf",
    encoding: "gzip",
    body: randomBytes(32),
    bodyHash: randomBytes(32),
    receivedAtMillis: 1_763_800_000_123,
    ...changes,
  };
}

/** An entry in a form that compares by value, whatever kind of byte array a log gives. */
export function comparable(entry: LogEntryInput | LogEntry): Readonly<Record<string, unknown>> {
  const { contentType, encoding, receivedAtMillis, identity } = entry;
  return {
    contentType,
    encoding,
    receivedAtMillis,
    identity,
    body: Buffer.from(entry.body).toString("hex"),
    bodyHash: Buffer.from(entry.bodyHash).toString("hex"),
  };
}

/** The value of a success; throws the reason of anything else. */
export function valueOf<T>(result: Result<T>): T {
  if (result.kind !== "success") throw new Error(`${result.code}: ${result.reason}`);
  return result.value;
}

/** The id of a successful append; throws the reason of anything else. */
export function idOf(result: Result<AppendedEntry>): string {
  return valueOf(result).id;
}

/** Opens the log on the storage that it is on. */
export async function openHere(log: IngestLog, opening: Partial<LogOpening> = {}): Promise<Result<void>> {
  const { storage } = valueOf(await log.status());
  const { generation = 1 } = opening;
  return await log.open({
    generation,
    identity: `opening ${generation}`,
    afterId: LOG_START,
    layout: 1,
    storage,
    ...opening,
  });
}

/** The log, opened so that it takes appends. */
export async function opened<T extends IngestLog>(log: T, generation: number = 1): Promise<T> {
  valueOf(await openHere(log, { generation }));
  return log;
}
