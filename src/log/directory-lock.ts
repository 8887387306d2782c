/**
 * Keeps a second process out of the data directory: two processes on one SQLite log would fold the same entries. The lock is
 * the operating system's, on a file that SQLite holds open, so it ends with the process however that ends.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failure, messageOf, retryable, success } from "../model/result.ts";
import type { Result } from "../model/result.ts";

/** A lock that is held until it is released or the process ends. */
export interface DirectoryLock {
  /** Gives the lock up; doing it twice is harmless. */
  release(): void;
}

const LOCK_FILE = "otel-bandwidth.lock";
const OWNER_FILE = "otel-bandwidth.owner";

/**
 * Creates the directory if need be and locks it. Failure `conflict` naming the holder when another process (or another lock in
 * this one) has it; retryable `unavailable` when the disk refuses. The directory must be on a local disk.
 */
export function lockDirectory(directory: string): Result<DirectoryLock> {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    database = new DatabaseSync(join(directory, LOCK_FILE));
    database.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    writeFileSync(join(directory, OWNER_FILE), `process ${process.pid} on ${hostname()}\n`);
    return success(new HeldLock(database, directory));
  } catch (error) {
    database?.close();
    if (!isLocked(error)) return retryable("unavailable", `${directory} cannot be used: ${messageOf(error)}`);
    return failure("conflict", `${directory} is in use by ${ownerOf(directory)}; end it, or set another DATA_DIR`);
  }
}

/** Who holds the lock of a directory, without taking or making it; `undefined` when nobody does. Throws when the disk refuses. */
export function directoryLockHolder(directory: string): string | undefined {
  const file = join(directory, LOCK_FILE);
  if (!existsSync(file)) return undefined;
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 0");
    // Reading needs a lock that its holder does not share.
    database.prepare("SELECT count(*) FROM sqlite_master").get();
    return undefined;
  } catch (error) {
    if (!isLocked(error)) throw error;
    return ownerOf(directory);
  } finally {
    database.close();
  }
}

class HeldLock implements DirectoryLock {
  readonly #database: DatabaseSync;
  readonly #directory: string;

  constructor(database: DatabaseSync, directory: string) {
    this.#database = database;
    this.#directory = directory;
  }

  release(): void {
    if (!this.#database.isOpen) return;
    // While the lock is still held, so that the next holder's name is not deleted.
    rmSync(join(this.#directory, OWNER_FILE), { force: true });
    this.#database.close();
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED, and their extended codes, which keep the code in their lowest byte. */
function isLocked(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  return code === 5 || code === 6;
}

function ownerOf(directory: string): string {
  try {
    return readFileSync(join(directory, OWNER_FILE), "utf8").trim() || "another process";
  } catch {
    return "another process";
  }
}
