/** A full disk: a small file system in memory, filled up while the receiver writes to it. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPrivateMariadb } from "../support/mariadb-server.ts";
import type { Fault, Outcome, Scene } from "./run-cycle.ts";
import { EmbeddedStores, ServerStores, type Servers, type Stores } from "./stores.ts";

const DISK_MEBIBYTES = { servers: 256, embedded: 24 } as const;
const BLOCK = Buffer.alloc(65_536);
const PAGE = 4096;

/** Why no file system can be mounted here; undefined when one can. */
function mountObstacle(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "a small file system is mounted by root only";
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-mount-"));
  const mounted = mount(folder, 1);
  if (mounted === undefined) unmount(folder);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
}

function mount(folder: string, mebibytes: number): string | undefined {
  const { status, stderr, error } = spawnSync(
    "mount",
    ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "otel-bandwidth-test", folder],
    { encoding: "utf8" },
  );
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

function unmount(folder: string): void {
  // Lazily: a server that was just killed may hold it for another moment.
  spawnSync("umount", ["-l", folder]);
}

/** The folder on the small disk of the cycle that runs. */
let disk = "";

async function onSmallDisk(
  kind: Stores["kind"],
  servers: Servers | undefined,
  cycle: (stores: Stores) => Promise<Outcome>,
): Promise<Outcome> {
  disk = mkdtempSync(join(tmpdir(), "otel-bandwidth-disk-"));
  const failed = mount(disk, DISK_MEBIBYTES[kind]);
  if (failed !== undefined) throw new Error(`mount: ${failed}`);
  try {
    return kind === "embedded" ? await embedded(cycle) : await onServers(servers!, cycle);
  } finally {
    unmount(disk);
    rmSync(disk, { recursive: true, force: true });
  }
}

async function embedded(cycle: (stores: Stores) => Promise<Outcome>): Promise<Outcome> {
  const stores = await EmbeddedStores.open(disk);
  try {
    return await cycle(stores);
  } finally {
    await stores.close();
  }
}

async function onServers(servers: Servers, cycle: (stores: Stores) => Promise<Outcome>): Promise<Outcome> {
  const sql = await startPrivateMariadb(disk);
  try {
    const stores = await servers.open(1, { sql });
    try {
      return await cycle(stores);
    } finally {
      await stores.close();
    }
  } finally {
    await sql.stop();
  }
}

/** Writes until nothing more fits; returns what frees it again. */
function fillUp(): () => void {
  const file = join(disk, "filler");
  const descriptor = openSync(file, "w");
  for (const size of [BLOCK.length, PAGE]) {
    try {
      for (;;) writeSync(descriptor, BLOCK, 0, size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
  closeSync(descriptor);
  return () => rmSync(file);
}

async function waitForTrouble({ receivers, load }: Scene, { sql }: ServerStores): Promise<void> {
  const isSaid = (): boolean => /full|no space/i.test(receivers[0]!.complaints);
  await load.until(() => isSaid() || !sql.isRunning, "the receiver to complain of the full disk");
}

/** A full disk may end the server itself: then it is started again, as its operator would. */
async function reviveSql({ stores, load }: Scene): Promise<string> {
  if (!(stores instanceof ServerStores)) return "";
  const { sql } = stores;
  let ended = "";
  await load.until(async () => {
    if (!sql.isRunning) {
      ended = ", which ended the server";
      await sql.start();
    }
    return await stores.totals().then(
      () => true,
      () => false,
    );
  }, "the SQL server to answer");
  return ended;
}

const DISK_FULL: Fault = {
  name: "disk full",
  backends: ["servers", "embedded"],
  obstacle: mountObstacle,
  around: onSmallDisk,
  async inject(scene) {
    const { stores, load, size, witness } = scene;
    const before = load.journal.answers.get("503") ?? 0;
    const free = fillUp();
    try {
      if (stores instanceof ServerStores) await waitForTrouble(scene, stores);
      else await load.fails(size.senders * 2);
    } finally {
      free();
    }
    await load.acknowledges(size.batches);
    const ended = await reviveSql(scene);
    const refused = (load.journal.answers.get("503") ?? 0) - before;
    witness(stores instanceof ServerStores ? `commits refused${ended}` : `${refused} x 503`);
  },
};

/** The faults of this file. */
export const DISK_FAULTS: readonly Fault[] = [DISK_FULL];
