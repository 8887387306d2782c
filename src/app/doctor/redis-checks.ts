/**
 * Checks the Redis of `REDIS_URL`: reachable, new enough, durable, of our time.
 */
import type { DurabilityFinding } from "../../log/redis-durability.ts";
import { inspectRedis } from "../../log/redis-inspection.ts";
import type { Clock } from "../../model/clock.ts";
import type { ReceiverSettings } from "../settings.ts";
import { withoutSecrets } from "../stores.ts";
import { fail, ok, warn, type Check } from "./check.ts";
import { clockCheck } from "./clock-check.ts";

/** Findings that are no fault of a setting and cannot be mended by one. */
const ONLY_TO_KNOW: ReadonlySet<string> = new Set(["connected_slaves"]);

/** Settings that can be changed while Redis runs, and the value they need. */
const MENDED_BY: Readonly<Record<string, string>> = {
  appendonly: "appendonly yes",
  appendfsync: "appendfsync always",
  "no-appendfsync-on-rewrite": "no-appendfsync-on-rewrite no",
  "maxmemory-policy": "maxmemory-policy noeviction",
};

/** Nothing when Redis is not used. */
export async function redisChecks({ redisUrl }: ReceiverSettings, clock: Clock): Promise<readonly Check[]> {
  if (redisUrl === undefined) return [];
  const place = withoutSecrets(redisUrl);
  const inspected = await inspectRedis({ url: redisUrl, clock });
  if (inspected.kind !== "success") return [fail("Redis", `${place}: ${inspected.reason}`)];
  const { version, findings, clockAheadMillis } = inspected.value;
  return [
    ok("Redis", `${place} answers, version ${version ?? "unknown"}`),
    ...durabilityChecks(findings),
    clockCheck("Redis clock", clockAheadMillis),
  ];
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
