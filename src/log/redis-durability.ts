/**
 * Says in plain words where a Redis does not keep what it acknowledges, and how to mend it. Asked at start and by `doctor`.
 */
import type { Redis } from "ioredis";
import { messageOf } from "../model/result.ts";
import type { RedisServers } from "./redis-route.ts";

/** One thing about a Redis that an operator should know. */
export interface DurabilityFinding {
  /** `danger`: acknowledged data can be lost or appends refused. `unknown`: it could not be checked. */
  readonly level: "danger" | "unknown";
  /** The setting or the fact it is about, as Redis names it. */
  readonly setting: string;
  /** What is so, and what to do, in one or two sentences. */
  readonly message: string;
}

/** A setting that must have a value, else what acknowledged entries may suffer. */
interface Requirement {
  readonly setting: string;
  readonly expected: string;
  readonly risk: string;
}

const REQUIREMENTS: readonly Requirement[] = [
  { setting: "appendonly", expected: "yes", risk: "a restart of Redis loses everything it acknowledged" },
  {
    setting: "appendfsync",
    expected: "always",
    risk: "a crash loses what Redis acknowledged in its last second or more",
  },
  {
    setting: "no-appendfsync-on-rewrite",
    expected: "no",
    risk: "while Redis rewrites its file, a crash loses what it acknowledged",
  },
  { setting: "maxmemory-policy", expected: "noeviction", risk: "Redis deletes logged entries when its memory is full" },
];

const MINIMUM_VERSION = [6, 2] as const;

/**
 * Every finding, most serious first; empty when Redis keeps all it acknowledges. Never throws: what fails is a finding.
 * `waitReplicas`: how many replicas a request is waited for to be on before it is answered (`REDIS_WAIT_REPLICAS`); `isCluster`: whether
 * `REDIS_URL` is that of a cluster.
 */
export async function checkRedisDurability(
  redis: Redis,
  waitReplicas = 0,
  isCluster = false,
): Promise<readonly DurabilityFinding[]> {
  const [facts, settings] = await Promise.all([checkFacts(redis, waitReplicas, isCluster), checkSettings(redis)]);
  return [...facts, ...settings].sort((left, right) => left.level.localeCompare(right.level));
}

/**
 * The findings of every server that has one of these shards, each once, with where it is so when there are several. Never throws: what
 * cannot be reached is a finding.
 */
export async function checkServersDurability(
  servers: RedisServers,
  shards: readonly number[],
  waitReplicas: number,
): Promise<readonly DurabilityFinding[]> {
  try {
    const primaries = await servers.primaries(shards);
    const places = new Map<string, { readonly finding: DurabilityFinding; readonly places: string[] }>();
    for (const { place, redis } of primaries) {
      for (const finding of await checkRedisDurability(redis, waitReplicas, servers.isCluster)) {
        const known = places.get(finding.message);
        if (known === undefined) places.set(finding.message, { finding, places: [place] });
        else known.places.push(place);
      }
    }
    const found = [...places.values()];
    if (primaries.length === 1) return found.map(({ finding }) => finding);
    return found.map(({ finding, places: at }) => ({ ...finding, message: `${at.join(", ")}: ${finding.message}` }));
  } catch (error) {
    return [unknown("REDIS_URL", `durability could not be checked (${messageOf(error)})`)];
  }
}

async function checkSettings(redis: Redis): Promise<readonly DurabilityFinding[]> {
  return (await Promise.all(REQUIREMENTS.map((requirement) => checkSetting(redis, requirement)))).flat();
}

async function checkSetting(redis: Redis, requirement: Requirement): Promise<readonly DurabilityFinding[]> {
  const { setting, expected, risk } = requirement;
  try {
    const reply = (await redis.config("GET", setting)) as readonly string[];
    const value = reply[1];
    if (value === expected) return [];
    if (value === undefined)
      return [unknown(setting, `Redis does not tell its ${setting}; make sure that it is ${expected}`)];
    return [danger(setting, `${setting} is ${value}: ${risk}. Set it to ${expected}.`)];
  } catch (error) {
    return [
      unknown(
        setting,
        `${setting} could not be checked (${messageOf(error)}); make sure that it is ${expected}, else ${risk}`,
      ),
    ];
  }
}

async function checkFacts(
  redis: Redis,
  waitReplicas: number,
  isCluster: boolean,
): Promise<readonly DurabilityFinding[]> {
  try {
    const facts = parseInfo(await redis.info());
    const replication =
      waitReplicas > 0 ? checkWaitedReplicas(facts, waitReplicas) : await checkReplication(redis, facts);
    const place = checkPlace(facts, isCluster);
    return [...checkVersion(facts), ...checkPersistence(facts), ...checkRole(facts), ...place, ...replication];
  } catch (error) {
    return [unknown("INFO", `version, persistence and replication could not be checked (${messageOf(error)})`)];
  }
}

function checkVersion(facts: ReadonlyMap<string, string>): readonly DurabilityFinding[] {
  const version = facts.get("redis_version") ?? "";
  if (isAtLeast(version, MINIMUM_VERSION)) return [];
  return [danger("redis_version", `Redis ${version} is too old. Use ${MINIMUM_VERSION.join(".")} or later.`)];
}

function isAtLeast(version: string, [wantedMajor, wantedMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function checkPersistence(facts: ReadonlyMap<string, string>): readonly DurabilityFinding[] {
  const status = facts.get("aof_last_write_status") ?? "ok";
  if (facts.get("aof_enabled") !== "1" || status === "ok") return [];
  return [
    danger(
      "aof_last_write_status",
      `The last write to the append-only file failed (${status}). Free space on Redis's disk.`,
    ),
  ];
}

function checkRole(facts: ReadonlyMap<string, string>): readonly DurabilityFinding[] {
  if (facts.get("role") !== "slave") return [];
  return [danger("role", "This Redis is a replica and refuses writes. Point REDIS_URL at its primary.")];
}

function checkPlace(facts: ReadonlyMap<string, string>, isCluster: boolean): readonly DurabilityFinding[] {
  if (!isCluster && facts.get("cluster_enabled") === "1") {
    const message =
      "This Redis is a node of a cluster and refuses the shards of other nodes. Name the nodes in REDIS_URL as " +
      "redis+cluster://host:port,host:port.";
    return [danger("cluster_enabled", message)];
  }
  if (!isCluster || Number(facts.get("connected_slaves") ?? 0) > 0) return [];
  return [danger("connected_slaves", "This primary has no replica: while it is away, its shards answer 503.")];
}

/** The first version that tells what replicas have flushed to their disks. */
const WAITAOF_VERSION = [7, 2] as const;

function checkWaitedReplicas(facts: ReadonlyMap<string, string>, waitReplicas: number): readonly DurabilityFinding[] {
  if (facts.get("role") === "slave") return [];
  const findings: DurabilityFinding[] = [];
  const connected = Number(facts.get("connected_slaves") ?? 0);
  if (connected < waitReplicas) {
    const message =
      `REDIS_WAIT_REPLICAS is ${waitReplicas} and ${connected} replicas are connected: every request is answered 503. ` +
      "Start the replicas, or lower the setting.";
    findings.push(danger("REDIS_WAIT_REPLICAS", message));
  }
  const version = facts.get("redis_version") ?? "";
  if (!isAtLeast(version, WAITAOF_VERSION)) {
    const message =
      `Redis ${version} has no WAITAOF: replicas confirm what they hold in memory. A power cut of the primary and of the ` +
      `replica that is promoted can lose it. Use ${WAITAOF_VERSION.join(".")} or later.`;
    findings.push(danger("WAITAOF", message));
  }
  return [...findings, ...checkReplicaLag(facts)];
}

async function checkReplication(
  redis: Redis,
  facts: ReadonlyMap<string, string>,
): Promise<readonly DurabilityFinding[]> {
  if (facts.get("role") === "slave" || Number(facts.get("connected_slaves") ?? 0) === 0) return [];
  const message =
    "Redis replicates asynchronously: a fail-over can lose what it acknowledged just before. " +
    "Set REDIS_WAIT_REPLICAS to 1, or fail over by hand, after the replica has caught up.";
  return [danger("connected_slaves", message), ...checkReplicaLag(facts), ...(await checkMinimumReplicas(redis))];
}

/** Replicas that hear nothing of their primary, or say nothing to it, for this many seconds are behind. */
const MAX_REPLICA_LAG_SECONDS = 10;

function checkReplicaLag(facts: ReadonlyMap<string, string>): readonly DurabilityFinding[] {
  const late: string[] = [];
  for (const [name, text] of facts) {
    if (!/^slave\d+$/.test(name)) continue;
    const fields = new Map(text.split(",").map((pair) => pair.split("=") as [string, string]));
    const lag = Number(fields.get("lag"));
    const place = `${fields.get("ip")}:${fields.get("port")}`;
    if (fields.get("state") !== "online") late.push(`${place} is not in step yet (${fields.get("state")})`);
    else if (lag > MAX_REPLICA_LAG_SECONDS) late.push(`${place} has said nothing for ${lag} s`);
  }
  if (late.length === 0) return [];
  return [
    danger("replica_lag", `Of the replicas, ${late.join(", ")}: promoted now, it would lack what was acknowledged.`),
  ];
}

async function checkMinimumReplicas(redis: Redis): Promise<readonly DurabilityFinding[]> {
  const setting = "min-replicas-to-write";
  const advice =
    "a primary that is cut off from its replicas goes on acknowledging what a promoted replica will never have. Set it to 1: " +
    "senders are then answered 503 while no replica is near (min-replicas-max-lag).";
  try {
    const [, value] = (await redis.config("GET", setting)) as readonly string[];
    return Number(value) > 0 ? [] : [danger(setting, `${setting} is ${value}: ${advice}`)];
  } catch (error) {
    return [unknown(setting, `${setting} could not be checked (${messageOf(error)}); when it is 0, ${advice}`)];
  }
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) facts.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return facts;
}

function danger(setting: string, message: string): DurabilityFinding {
  return { level: "danger", setting, message };
}

function unknown(setting: string, message: string): DurabilityFinding {
  return { level: "unknown", setting, message };
}
