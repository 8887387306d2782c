/** Entries for tests of logs. */
import { randomBytes } from "node:crypto";
import type { LogEntry, LogEntryInput } from "../../src/model/ingest-log.ts";
import type { Result } from "../../src/model/result.ts";

/** An entry with a random key; `changes` replace its other parts. */
export function logEntry(changes: Partial<LogEntryInput> = {}): LogEntryInput {
  return {
    contentType: "protobuf",
    encoding: "gzip",
    body: randomBytes(32),
    bodyHash: randomBytes(32),
    receivedAtMillis: 1_763_800_000_123,
    entryKey: randomBytes(16),
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
    entryKey: Buffer.from(entry.entryKey).toString("hex"),
  };
}

/** The value of a success; throws the reason of anything else. */
export function valueOf<T>(result: Result<T>): T {
  if (result.kind !== "success") throw new Error(`${result.code}: ${result.reason}`);
  return result.value;
}
