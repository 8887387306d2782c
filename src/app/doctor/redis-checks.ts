/**
 * Checks the Redis of `REDIS_URL`: reachable, new enough, durable, of our time.
 */
import type { DurabilityFinding } from "../../log/redis-durability.ts";
import { inspectRedis, type RedisPrimaryFacts } from "../../log/redis-inspection.ts";
import type { Clock } from "../../model/clock.ts";
import { describeRedis, redisOptions } from "../redis-options.ts";
import type { ReceiverSettings } from "../settings.ts";
import { checkLine, fail, ok, warn, type Check } from "./check.ts";
import { clockCheck } from "./clock-check.ts";

/** Findings that no setting mends, or only at a price that is the operator's to weigh. */
const ONLY_TO_KNOW: ReadonlySet<string> = new Set([
  "connected_slaves",
  "min-replicas-to-write",
  "replica_lag",
  "WAITAOF",
]);

/** Settings that can be changed while Redis runs, and the value they need. */
const MENDED_BY: Readonly<Record<string, string>> = {
  appendonly: "appendonly yes",
  appendfsync: "appendfsync always",
  "no-appendfsync-on-rewrite": "no-appendfsync-on-rewrite no",
  "maxmemory-policy": "maxmemory-policy noeviction",
  "min-replicas-to-write": "min-replicas-to-write 1",
};

/** Nothing when Redis is not used. Every server that has a shard is looked at. */
export async function redisChecks(settings: ReceiverSettings, clock: Clock): Promise<readonly Check[]> {
  const { redisUrl, redisWaitReplicas: waitReplicas } = settings;
  if (redisUrl === undefined) return [];
  const options = redisOptions(settings);
  if (options.kind !== "success") return [fail("Redis", options.reason)];
  const shards = Array.from({ length: settings.shards }, (_, shard) => shard);
  const inspected = await inspectRedis({ ...options.value, clock, shards, waitReplicas });
  if (inspected.kind !== "success") return [fail("Redis", `${describeRedis(redisUrl)}: ${inspected.reason}`)];
  const { primaries, findings } = inspected.value;
  return [
    ...primaries.map(({ place, version }) => ok("Redis", `${place} answers, version ${version ?? "unknown"}`)),
    ...eachOnce(primaries.map(permissionCheck)),
    ...durabilityChecks(findings),
    ...eachOnce(primaries.map(({ clockAheadMillis }) => clockCheck("Redis clock", clockAheadMillis))),
  ];
}

/** Servers of one cluster mostly say the same. */
function eachOnce(checks: readonly Check[]): readonly Check[] {
  return [...new Map(checks.map((check) => [checkLine(check), check])).values()];
}

function permissionCheck({ permissions }: RedisPrimaryFacts): Check {
  const subject = "Redis permissions";
  if (permissions === undefined) {
    return warn(
      subject,
      "could not be checked: Redis before 7.0 does not tell, nor does one whose user may not use ACL",
    );
  }
  const { user, missing } = permissions;
  if (missing.length === 0) return ok(subject, `${user} may do what is needed`);
  const rules = missing.join(" ");
  return fail(
    subject,
    `${user} may not do all that is needed: redis-cli ACL SETUSER ${user} ${rules} (ACL SAVE keeps it), on every server`,
  );
}

function durabilityChecks(findings: readonly DurabilityFinding[]): readonly Check[] {
  if (findings.length === 0) return [ok("Redis durability", "what it acknowledges is kept")];
  return findings.map((finding) => {
    const isFault = finding.level === "danger" && !ONLY_TO_KNOW.has(finding.setting);
    return (isFault ? fail : warn)("Redis durability", finding.message + remedy(finding));
  });
}

function remedy({ level, setting }: DurabilityFinding): string {
  const mend = MENDED_BY[setting];
  if (level !== "danger" || mend === undefined) return "";
  return ` (redis-cli CONFIG SET ${mend}, then CONFIG REWRITE)`;
}
