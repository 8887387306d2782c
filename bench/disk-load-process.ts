/** A process that keeps the disk of the temporary folder busy: writes and flushes 16 MB at a time, for a minute at most. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CHUNK_BYTES = 16_000_000;
const MAX_FILE_BYTES = 256_000_000;
const MAX_MILLIS = 60_000;
const OWN_PATH = fileURLToPath(import.meta.url);

/** Starts the process; the function returned ends it and deletes what it wrote. */
export function startDiskLoad(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-disk-load-"));
  const child: ChildProcess = spawn(process.execPath, [OWN_PATH, join(folder, "load")], { stdio: "ignore" });
  return () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
}

function load(path: string): void {
  const chunk = Buffer.alloc(CHUNK_BYTES, "x");
  const file = openSync(path, "w");
  const end = performance.now() + MAX_MILLIS;
  for (let position = 0; performance.now() < end; position = (position + CHUNK_BYTES) % MAX_FILE_BYTES) {
    writeSync(file, chunk, 0, CHUNK_BYTES, position);
    fdatasyncSync(file);
  }
  closeSync(file);
}

if (process.argv[1] === OWN_PATH && process.argv[2] !== undefined) load(process.argv[2]);
