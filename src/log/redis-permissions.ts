/**
 * Says which of the commands that this project needs a user of Redis may not run. `doctor` asks. Scripts run them as the user does.
 */
import type { Redis } from "ioredis";

/** What a user may not do. */
export interface RedisPermissions {
  readonly user: string;
  /** What to give it, in the words of ACL (`~otel-bandwidth:*`, `+info`); empty when it lacks nothing. */
  readonly missing: readonly string[];
}

/** Every key begins so. */
const KEY_PATTERN = "otel-bandwidth:*";
const KEY = "otel-bandwidth:{0}:log";

/** The commands of the log, the lease, realtime and their scripts, as they are called. */
const COMMANDS: readonly (readonly string[])[] = [
  ["eval", "return 1", "1", KEY],
  ["evalsha", "0".repeat(40), "1", KEY],
  ["info", "replication"],
  ["exists", KEY],
  ["xadd", KEY, "1-0", "body", ""],
  ["xrange", KEY, "-", "+"],
  ["xrevrange", KEY, "+", "-"],
  ["xtrim", KEY, "MINID", "=", "1-0"],
  ["xdel", KEY, "1-0"],
  ["xlen", KEY],
  ["xinfo", "STREAM", KEY],
  ["get", KEY],
  ["set", KEY, "1"],
  ["del", KEY],
  ["pexpire", KEY, "1"],
  ["expire", KEY, "1"],
  ["time"],
  ["zadd", KEY, "1", "receiver"],
  ["zrem", KEY, "receiver"],
  ["zrange", KEY, "0", "-1"],
  ["zremrangebyscore", KEY, "-inf", "1"],
  ["hget", KEY, "last"],
  ["hmget", KEY, "last"],
  ["hset", KEY, "last", "1"],
  ["hdel", KEY, "last"],
  ["hgetall", KEY],
  ["hvals", KEY],
];

/** What is called besides where replicas are waited for. */
const WAITING_COMMANDS: readonly (readonly string[])[] = [
  ["wait", "1", "1"],
  ["waitaof", "0", "1", "1"],
];

/** What is called besides in a cluster. */
const CLUSTER_COMMANDS: readonly (readonly string[])[] = [
  ["cluster", "info"],
  ["cluster", "slots"],
];

/** What is used beyond the log itself. */
export interface RedisUse {
  /** Whether replicas are waited for. */
  readonly waits: boolean;
  /** Whether Redis is a cluster. */
  readonly isCluster: boolean;
}

/** Asks without running any of them. `undefined` where Redis does not tell: before 7.0, or when the user may not ask. */
export async function checkRedisPermissions(redis: Redis, use: RedisUse): Promise<RedisPermissions | undefined> {
  try {
    const user = String(await redis.call("ACL", "WHOAMI"));
    const missing = new Set<string>();
    const more = [...(use.waits ? WAITING_COMMANDS : []), ...(use.isCluster ? CLUSTER_COMMANDS : [])];
    for (const command of [...COMMANDS, ...more]) {
      const reply = await dryRun(redis, user, command);
      if (reply === "OK") continue;
      // A command that is forbidden says nothing about its keys; giving them twice is harmless.
      missing.add(`~${KEY_PATTERN}`);
      if (!/\bkeys?\b/.test(reply)) missing.add(`+${command[0] === "cluster" ? command.join("|") : command[0]}`);
    }
    return { user, missing: [...missing] };
  } catch {
    return undefined;
  }
}

/** "OK", also of a command that this version of Redis does not have; else what a user may not do. */
async function dryRun(redis: Redis, user: string, command: readonly string[]): Promise<string> {
  try {
    return String(await redis.call("ACL", "DRYRUN", user, ...command));
  } catch (error) {
    if (error instanceof Error && /not found/.test(error.message)) return "OK";
    throw error;
  }
}
