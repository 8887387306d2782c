/** What a deployment needs, by the model: cores, receivers, shards, Redis, databases, disk and money, and which limit it meets. */
import { SLOT_COUNT } from "../src/model/slot.ts";
import type { Calibration } from "./scale-calibration.ts";
import { cpuOf, LIVE_UPDATE_SECONDS, type Work } from "./scale-model.ts";
import type { PartSeconds } from "./scale-measurements.ts";
import type { AssumedValues } from "./scale-prices.ts";

/** What a team has. */
export interface Demand {
  /** Active series of HTTP; five streams each. */
  readonly series: number;
  /** Seconds between two exports of a service. */
  readonly exportSeconds: number;
  /** Participants that are connected to bridges. */
  readonly browsers: number;
}

/** What it needs. */
export interface Deployment {
  readonly demand: Demand;
  readonly pointsPerSecond: number;
  readonly eventsPerSecond: number;
  /** CPU seconds a second: cores at work. */
  readonly cores: PartSeconds;
  readonly receivers: number;
  /** Whether so many receivers suffice: beyond some hundreds they look at leases more than they get done. */
  readonly isPossible: boolean;
  readonly shards: number;
  readonly seriesPerShard: number;
  /** CPU seconds of the owner of a shard for its commit, once a persist interval. */
  readonly commitSeconds: number;
  readonly redisPrimaries: number;
  readonly redisBytes: number;
  /** Appends, leases and live updates. */
  readonly redisCallsPerSecond: number;
  readonly databases: number;
  readonly rowsPerSecond: number;
  readonly diskBytesPerDay: number;
  /** When the first hours are 400 days old: from then on it grows by the days alone. */
  readonly diskBytes: number;
  /** Bytes that one look at the live figures reads from Redis. */
  readonly liveViewBytes: number;
  readonly usdPerMonth: number;
}

/** As shipped: `METRICS_PERSIST_INTERVAL`, and a page's export in a steady call. */
const PERSIST_SECONDS = 60;
const PAGE_EXPORT_SECONDS = 10;
const POINTS_PER_EVENT = 11;
const POINTS_PER_SERIES = 5;
const SERIES_PER_REQUEST = 50;

/** A look for a lease, of every receiver at every shard. */
const LEASE_LOOKS_PER_SECOND = 1;
const DAY_SECONDS = 86_400;
const HOURLY_DAYS = 400;
const MINUTE_DAYS = 2;
const MOST_RECEIVERS = 100_000;

/** What the demand needs; the number of receivers that it needs depends on itself, and is sought. */
export function deploymentFor(demand: Demand, known: Calibration, assumed: AssumedValues): Deployment {
  let receivers = 1;
  for (let needed = 0; needed !== receivers && receivers < MOST_RECEIVERS;) {
    needed = receivers;
    const sought = receiversFor(coresOf(demand, known, needed, assumed), demand, known, assumed);
    receivers = Math.min(MOST_RECEIVERS, Math.max(needed, sought));
  }
  return withReceivers(demand, receivers, known, assumed);
}

function withReceivers(demand: Demand, receivers: number, known: Calibration, assumed: AssumedValues): Deployment {
  const cores = coresOf(demand, known, receivers, assumed);
  const shards = shardsFor(receivers);
  const { points, rows, liveUpdates } = workASecond(demand, known, receivers);
  const allSeries = demand.series + demand.browsers;
  const redisBytes = redisBytesOf(demand, known);
  const redisPrimaries = Math.max(
    1,
    Math.ceil(cores.redis / assumed.busyShare),
    Math.ceil(redisBytes / assumed.redisPrimaryBytes),
  );
  const disk = diskOf(allSeries, demand, known);
  const databases = Math.max(
    1,
    Math.ceil(cores.sql / (assumed.databaseCores * assumed.busyShare)),
    Math.ceil(disk.all / assumed.databaseDiskBytes),
  );
  const eventsPerSecond = demand.browsers / PAGE_EXPORT_SECONDS;
  const requestsPerSecond = demand.series / SERIES_PER_REQUEST / demand.exportSeconds;
  const deployment = {
    demand,
    pointsPerSecond: points + eventsPerSecond * POINTS_PER_EVENT,
    eventsPerSecond,
    cores,
    receivers,
    isPossible: receivers < MOST_RECEIVERS,
    shards,
    seriesPerShard: allSeries / shards,
    commitSeconds: ((known.cpu.receivers.rows ?? 0) * rows * PERSIST_SECONDS) / shards,
    redisPrimaries,
    redisBytes,
    redisCallsPerSecond: requestsPerSecond + eventsPerSecond + looksPerSecond(receivers) + liveUpdates / 1000,
    databases,
    rowsPerSecond: rows,
    diskBytesPerDay: disk.perDay,
    diskBytes: disk.all,
    liveViewBytes: allSeries * known.redisBytesPerSeries,
  };
  return { ...deployment, usdPerMonth: priceOf(deployment, known, assumed) };
}

/** HTTP's work in a second; what pages need comes on top. */
function workASecond({ series, exportSeconds, browsers }: Demand, known: Calibration, receivers: number): Work {
  const points = (series * POINTS_PER_SERIES) / exportSeconds;
  // A commit has the series that exported since the one before.
  const inCommit = series * Math.min(1, PERSIST_SECONDS / exportSeconds) + browsers;
  return {
    points,
    pointsReadBack: points * (1 - 1 / receivers),
    rows: (inCommit * known.rowsPerSeries) / PERSIST_SECONDS,
    liveUpdates: series / Math.max(LIVE_UPDATE_SECONDS, exportSeconds),
    receiverSeconds: receivers,
    shardSeconds: shardsFor(receivers),
  };
}

function coresOf(demand: Demand, known: Calibration, receivers: number, assumed: AssumedValues): PartSeconds {
  const cores = cpuOf(known.cpu, workASecond(demand, known, receivers));
  const { event, participantSecond } = known.browsers;
  const events = demand.browsers / PAGE_EXPORT_SECONDS;
  const page = (part: keyof PartSeconds): number => events * event[part] + demand.browsers * participantSecond[part];
  const looks = looksPerSecond(receivers) / 1e6;
  return {
    receivers:
      cores.receivers + page("receivers") + looks * (assumed.lookInReceiver + receivers * assumed.candidateInReceiver),
    redis: cores.redis + page("redis") + looks * (assumed.lookInRedis + receivers * assumed.candidateInRedis),
    sql: cores.sql + page("sql"),
  };
}

/** At leases. The calibration has those of four receivers at most, which are next to nothing. */
function looksPerSecond(receivers: number): number {
  return receivers * shardsFor(receivers) * LEASE_LOOKS_PER_SECOND;
}

function receiversFor(
  cores: PartSeconds,
  { series, browsers }: Demand,
  known: Calibration,
  assumed: AssumedValues,
): number {
  const state =
    (series * known.receiverBytesPerSeries + browsers * known.browsers.bytesPerParticipant) / assumed.receiverHeapBytes;
  return Math.max(1, Math.ceil(cores.receivers / (assumed.receiverCores * assumed.busyShare)), Math.ceil(state));
}

/** The next power of two that gives every receiver two: when one dies the others take over a part each. At most one a slot. */
function shardsFor(receivers: number): number {
  if (receivers === 1) return 1;
  return Math.min(SLOT_COUNT, 2 ** Math.ceil(Math.log2(receivers * 2)));
}

/** What waits for a commit, twice: a commit may be late, and an append-only file is rewritten beside it. */
function redisBytesOf({ series, exportSeconds, browsers }: Demand, known: Calibration): number {
  const perSecond =
    ((series * POINTS_PER_SERIES) / exportSeconds) * known.bytesPerPoint +
    (browsers / PAGE_EXPORT_SECONDS) * known.browsers.bytesPerEvent;
  return 2 * perSecond * PERSIST_SECONDS + (series + browsers) * known.redisBytesPerSeries;
}

/** A series that exports each hour or more often has a row each hour; one of each minute in which it exports. */
function diskOf(
  allSeries: number,
  { exportSeconds }: Demand,
  known: Calibration,
): { readonly perDay: number; readonly all: number } {
  const minutesPerDay = DAY_SECONDS / Math.max(60, exportSeconds);
  const minuteDay = minutesPerDay * known.minuteRowBytes;
  const hourDay = 24 * known.hourlyRowBytes;
  const perDay = allSeries * (minuteDay + hourDay + known.dailyRowBytes);
  const all =
    allSeries * (MINUTE_DAYS * minuteDay + HOURLY_DAYS * (hourDay + known.dailyRowBytes) + known.stateBytesPerSeries);
  return { perDay, all };
}

function priceOf(deployment: Omit<Deployment, "usdPerMonth">, known: Calibration, assumed: AssumedValues): number {
  const { cores, receivers, redisPrimaries, redisBytes, databases, diskBytes, demand } = deployment;
  const byMemory = (bytes: number): number => bytes / assumed.memoryPerVcpuBytes;
  const receiverBytes =
    receivers * known.receiverBaseBytes +
    demand.series * known.receiverBytesPerSeries +
    demand.browsers * known.browsers.bytesPerParticipant;
  const vcpus =
    Math.max(receivers, cores.receivers / assumed.busyShare, byMemory(receiverBytes)) +
    assumed.copies * Math.max(redisPrimaries, byMemory(2 * redisBytes)) +
    assumed.copies * Math.max(databases, cores.sql / assumed.busyShare);
  const disk = (assumed.copies * diskBytes * assumed.diskGigabyteMonth) / 1e9;
  return vcpus * assumed.vcpuHour * assumed.hoursPerMonth + disk;
}

/** A place where growth stops being linear. */
export interface GrowthLimit {
  readonly name: string;
  /** The amount at which it is met. */
  readonly at: number;
  readonly unit: string;
  readonly reason: string;
}

/** The limits that follow from the calibration. */
export function growthLimits(known: Calibration, assumed: AssumedValues): readonly GrowthLimit[] {
  const { points = 0, rows = 0, liveUpdates = 0 } = known.cpu.receivers;
  const perSeriesAndMinute = POINTS_PER_SERIES * points + known.rowsPerSeries * rows + liveUpdates;
  return [
    {
      name: "one service, or one meeting",
      at: PERSIST_SECONDS / perSeriesAndMinute,
      unit: "series at an export a minute",
      reason: "it is one slot, hence one shard, one receiver and one thread at a time",
    },
    {
      name: "memory of one receiver",
      at: Math.max(0, assumed.receiverHeapBytes - known.receiverBaseBytes) / Math.max(1, known.receiverBytesPerSeries),
      unit: "series in its shards",
      reason: "the streams of an owned shard live on the heap of one process",
    },
    {
      name: "a commit that takes a minute",
      at: MOST_COMMIT_SECONDS / Math.max(Number.MIN_VALUE, known.rowsPerSeries * ((known.cpu.sql.rows ?? 0) + rows)),
      unit: "series in one shard",
      reason: "a lease is kept for a minute while its owner commits, and the next commit is due by then",
    },
    {
      name: "1024 slots",
      at: (SLOT_COUNT * PERSIST_SECONDS * assumed.busyShare) / perSeriesAndMinute,
      unit: "series at an export a minute",
      reason: "there are no more shards than slots, and no more receivers at work than shards",
    },
    {
      name: "a look at the live figures",
      at: LIVE_VIEW_BYTES / Math.max(1, known.redisBytesPerSeries),
      unit: "series of all shards together",
      reason: "each look reads the latest figures of every series from Redis; this many are 100 MB",
    },
    {
      name: "rows of minutes",
      at: assumed.databaseDiskBytes / (diskOf(1, { series: 1, exportSeconds: 60, browsers: 0 }, known).all || 1),
      unit: "series a database",
      reason: "a row a series and minute is kept for 48 hours, one an hour for 400 days",
    },
  ];
}

const MOST_COMMIT_SECONDS = 60;
const LIVE_VIEW_BYTES = 100e6;
