/** Valkey 9.1 for `npm run test:valkey`, and for tests that ask for it: the server of Debian unstable. */
import { join } from "node:path";
import { unstableObstacle, unstableRoot, type UnstableServer } from "./debian-unstable.ts";
import type { RedisProgram } from "./redis-server.ts";

const VALKEY91: UnstableServer = {
  name: "Valkey 9.1",
  folder: "valkey-9.1",
  packages: ["valkey-server"],
  program: "usr/bin/valkey-server",
  version: /v=9\.1\./,
};

/** Why the server cannot be had on this machine; undefined when it can. */
export function valkey91Obstacle(): string | undefined {
  return unstableObstacle(VALKEY91, "npm run test:valkey");
}

let program: RedisProgram | undefined;

/** Valkey 9.1, installed first where it is not: hand it to what starts a Redis. Throws saying what failed. */
export function valkey91(): RedisProgram {
  program ??= programIn(unstableRoot(VALKEY91));
  return program;
}

function programIn(root: string): RedisProgram {
  return {
    command: ["chroot", root, "valkey-server"],
    cli: ["chroot", root, "valkey-cli"],
    root,
    folder: join(root, "srv"),
  };
}
