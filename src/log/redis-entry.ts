/**
 * How an entry lies in a Redis Stream: `body` as it came and `meta`, one line of text that an operator can read. Few fields,
 * because each costs both sides of every append and read.
 */
import type { BodyContentType, BodyEncoding, BridgeIdentity, LogEntry, LogEntryInput } from "../model/ingest-log.ts";

/** What XRANGE answers for one entry: its id, and its fields and values in turn. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

const CONTENT_TYPES: ReadonlySet<string> = new Set<BodyContentType>(["protobuf", "json"]);
const ENCODINGS: ReadonlySet<string> = new Set<BodyEncoding>(["identity", "gzip", "zstd"]);

/** `<content type> <encoding> <received at> <body hash> [<identity>]`: binary as base64url, the identity as JSON. */
export function encodeMeta(entry: LogEntryInput): string {
  const words = [entry.contentType, entry.encoding, String(entry.receivedAtMillis), base64(entry.bodyHash)];
  if (entry.identity) words.push(JSON.stringify([entry.identity.meeting, entry.identity.participant]));
  return words.join(" ");
}

/**
 * Reads an entry back. `undefined` when this project did not write it: see {@link foreignEntry}.
 */
export function decodeEntry([id, fields]: RawEntry): LogEntry | undefined {
  const body = valueOf(fields, "body");
  const words = valueOf(fields, "meta")?.toString("utf8").split(" ") ?? [];
  const [contentType = "", encoding = "", receivedAt = "", bodyHash = ""] = words;
  const receivedAtMillis = Number(receivedAt);
  const known = CONTENT_TYPES.has(contentType) && ENCODINGS.has(encoding) && Number.isSafeInteger(receivedAtMillis);
  if (!body || !known || receivedAt === "" || words.length < 4) return undefined;
  const entry: LogEntry = {
    id: id.toString("latin1"),
    contentType: contentType as BodyContentType,
    encoding: encoding as BodyEncoding,
    body,
    bodyHash: Buffer.from(bodyHash, "base64url"),
    receivedAtMillis,
  };
  if (words.length === 4) return entry;
  const identity = decodeIdentity(words.slice(4).join(" "));
  // Without its identity an entry of the bridge would be counted as someone else's.
  return identity && { ...entry, identity };
}

/**
 * Reads entries up to the first that only a newer version can read; throws when that is the first. To pass it would be to lose it: the
 * shard waits for a receiver of that version. `onForeignEntry` is told the id of an entry that this project did not write.
 */
export function readableEntries(
  raw: readonly RawEntry[],
  onForeignEntry: ((id: string) => void) | undefined,
): readonly LogEntry[] {
  const entries: LogEntry[] = [];
  for (const one of raw) {
    if (isOfNewerVersion(one)) {
      if (entries.length > 0) return entries;
      throw new Error(
        `entry ${one[0].toString("latin1")} is of a newer version of the receiver: this one cannot read it`,
      );
    }
    const entry = decodeEntry(one);
    if (entry === undefined) onForeignEntry?.(one[0].toString("latin1"));
    entries.push(entry ?? foreignEntry(one));
  }
  return entries;
}

/** A version that writes what this one cannot read begins its meta with `v` and a number. */
function isOfNewerVersion([, fields]: RawEntry): boolean {
  return /^v\d+ /.test(valueOf(fields, "meta")?.toString("latin1") ?? "");
}

/**
 * Stands for an entry that someone else put into the stream: no body, so that it folds to nothing and its id is passed. Its
 * time is made of its id, so that every reading gives the same.
 */
export function foreignEntry([rawId]: RawEntry): LogEntry {
  const id = rawId.toString("latin1");
  return {
    id,
    contentType: "protobuf",
    encoding: "identity",
    body: new Uint8Array(0),
    bodyHash: new Uint8Array(0),
    receivedAtMillis: Math.min(Number.parseInt(id, 10), Number.MAX_SAFE_INTEGER),
  };
}

function decodeIdentity(text: string): BridgeIdentity | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return undefined;
    const [meeting, participant] = parsed as readonly unknown[];
    if (typeof meeting !== "string" || typeof participant !== "string") return undefined;
    return { meeting, participant };
  } catch {
    return undefined;
  }
}

function valueOf(fields: readonly Buffer[], name: string): Buffer | undefined {
  for (let index = 0; index + 1 < fields.length; index += 2) {
    if (fields[index]!.toString("latin1") === name) return fields[index + 1];
  }
  return undefined;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}
