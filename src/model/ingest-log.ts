/**
 * The port between receiving and folding: a durable, ordered, bounded log for each shard. A 2xx is answered only after
 * `append` succeeded. Implemented in `log/` on Redis Streams and on SQLite.
 */
import type { Result } from "./result.ts";

/** The form the body of an entry is in. */
export type BodyContentType = "protobuf" | "json";

/** How the body of an entry is compressed. */
export type BodyEncoding = "identity" | "gzip" | "zstd";

/** Who sent an entry that came over the bridge, taken from its token, never from its payload. */
export interface BridgeIdentity {
  readonly meeting: string;
  readonly participant: string;
}

/** What is appended: one OTLP `ExportMetricsServiceRequest`, as it came. */
export interface LogEntryInput {
  readonly contentType: BodyContentType;
  readonly encoding: BodyEncoding;
  /** The body, still compressed if it came so. */
  readonly body: Uint8Array;
  /** SHA-256 (32 bytes) of the inflated body when it holds delta points, else empty. */
  readonly bodyHash: Uint8Array;
  /** When the body was received, milliseconds since the Unix epoch. */
  readonly receivedAtMillis: number;
  /** Set for entries from the bridge only. */
  readonly identity?: BridgeIdentity;
}

/** An entry as it is read back. */
export interface LogEntry extends LogEntryInput {
  /** See `log-id`: entries are numbered one after the other, so a gap between two ids is seen. */
  readonly id: string;
}

/** Where an append went. */
export interface AppendedEntry {
  readonly id: string;
  /** The generation of the log that took it. */
  readonly generation: number;
}

/** What a log is opened for: see {@link IngestLog.open}. */
export interface LogOpening {
  /** Grows by one at least with every opening. */
  readonly generation: number;
  /** Random text that tells this opening from every other, of this log or of another. */
  readonly identity: string;
  /** The storage it is meant for, as {@link LogStatus} told: another one refuses. */
  readonly storage: string;
  /** Ids given from now on are above this one. */
  readonly afterId: string;
  /** The `ShardLayout.epoch` whose entries it takes from now on. */
  readonly layout: number;
}

/** How much a log holds. */
export interface LogStatus {
  /** Entries appended and not yet trimmed. */
  readonly entries: number;
  /** Their bodies' bytes, as stored. */
  readonly bytes: number;
  /** The id of the newest entry ever appended, or {@link LOG_START} if there was none. */
  readonly lastId: string;
  /**
   * Whether it takes appends of this layout: false before it was first opened, after its storage was replaced or rolled back, once it is
   * sealed, and where it was opened for another layout.
   */
  readonly isOpen: boolean;
  /** Whether the last opening was on this very storage, whatever became of it: sealed, or for another layout. */
  readonly wasOpenedHere: boolean;
  /** Of the last opening; 0 and empty before the first. */
  readonly generation: number;
  readonly identity: string;
  /** Text without spaces that tells the storage from every other: it changes with a promotion or a restart. */
  readonly storage: string;
  /** Whether {@link IngestLog.supersede} has closed it for good. */
  readonly isSuperseded: boolean;
}

/** The limits above which `append` answers `overloaded`. */
export interface LogLimits {
  /** `METRICS_BUFFER_SIZE`. */
  readonly maxEntries: number;
  /** `METRICS_BUFFER_BYTES`, counted on the bodies as stored. */
  readonly maxBytes: number;
}

/**
 * Bytes of the largest body that the door lets into a log, inflated, as it came or as protobuf. No setting: who reads an entry must be able to
 * open it, whatever the settings were of who took it.
 */
export const MAX_LOGGED_BODY_BYTES: number = 2 ** 30;

/** The id before the first entry of every log. */
export const LOG_START = "0-0";

/** One shard's log, as those see it who divide slots by one layout. Every method may be called concurrently; none throws for an operating fault. */
export interface IngestLog {
  /**
   * Makes the log take appends. A storage that is not the one that was opened (a promoted replica, a restart, a file that was
   * deleted) may have lost its newest entries and would give ids that are already behind the totals: it refuses appends until
   * the shard's owner opens it again. Everything it holds when it is opened was appended before. Failure `conflict` when it has been
   * opened for a later generation; retryable `unavailable`, also when the storage is not the one meant. Doing it twice is harmless.
   */
  open(opening: LogOpening): Promise<Result<void>>;
  /**
   * Makes the log refuse appends until its storage is restarted or promoted: another storage has taken its place while this one
   * went on. Changes nothing when the log was opened for another generation than this one since. Retryable `unavailable`.
   */
  supersede(generation: number): Promise<Result<void>>;
  /**
   * Makes the log refuse appends for good, until a later generation is opened: what it holds now is all that comes of this one. That holds
   * for a log that is closed now because its storage is another one, which may come back. Changes nothing when the log was
   * superseded, or opened for another generation than this one since. Retryable `unavailable`. Doing it twice is harmless.
   */
  seal(generation: number): Promise<Result<void>>;
  /**
   * Makes the entry durable and returns where it went.
   * Retryable `overloaded` when a limit would be passed, `unavailable` when the storage is out of reach, refuses or is not open
   * for the layout of this view.
   * When the outcome is unknown (a lost reply) it answers `unavailable` and does not try again by itself.
   */
  append(entry: LogEntryInput): Promise<Result<AppendedEntry>>;
  /** Up to `limit` entries with ids above `afterId`, oldest first. Retryable `unavailable`. */
  read(afterId: string, limit: number): Promise<Result<readonly LogEntry[]>>;
  /** Forgets every entry with an id up to and including `throughId`. Retryable `unavailable`. Doing it twice is harmless. */
  trim(throughId: string): Promise<Result<void>>;
  /** What the log holds. Retryable `unavailable`. */
  status(): Promise<Result<LogStatus>>;
  /** Whether an append would succeed now, without appending: for `/readyz`. */
  writable(): Promise<Result<void>>;
}
