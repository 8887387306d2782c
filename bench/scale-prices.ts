/** What the model takes as given: prices, machines and how full they are run. Assumptions, not measurements; change them to yours. */

/** An assumption, and where it is from. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  readonly meaning: string;
  readonly source: string;
}

/** The name of an assumption. */
export type AssumptionName =
  | "vcpuHour"
  | "memoryPerVcpuBytes"
  | "diskGigabyteMonth"
  | "hoursPerMonth"
  | "copies"
  | "busyShare"
  | "receiverCores"
  | "receiverHeapBytes"
  | "redisPrimaryBytes"
  | "databaseCores"
  | "databaseDiskBytes"
  | "lookInRedis"
  | "candidateInRedis"
  | "lookInReceiver"
  | "candidateInReceiver";

const LOOKS_MEASURED =
  "measured here, Redis 7.0 with `appendfsync always`, 1 to 1,000 receivers, eight calls at a time";

/** All of them, by name. */
export const ASSUMPTIONS: Readonly<Record<AssumptionName, Assumption>> = {
  vcpuHour: {
    value: 0.0408,
    unit: "USD an hour",
    meaning: "a virtual core with 4 GB: half of an m7g.large, on demand, us-east-1",
    source: "https://www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026/ (June 2026)",
  },
  memoryPerVcpuBytes: {
    value: 4e9,
    unit: "B",
    meaning: "memory that comes with such a core",
    source: "m7g.large has 2 virtual cores and 8 GB",
  },
  diskGigabyteMonth: {
    value: 0.08,
    unit: "USD a month",
    meaning: "10^9 bytes of network SSD (gp3), on demand, us-east-1",
    source: "https://www.saisci.com/aws/gp2-vs-gp3-cost-comparison-ebs-volumes/",
  },
  hoursPerMonth: { value: 730, unit: "h", meaning: "a month", source: "365 days / 12" },
  copies: {
    value: 2,
    unit: "",
    meaning: "of each Redis primary and each database: a replica that can take over",
    source: "our advice; Group Replication asks for three",
  },
  busyShare: {
    value: 0.5,
    unit: "",
    meaning: "of its cores that a machine is let use: the rest is for peaks, and for the shards of one that died",
    source: "our advice",
  },
  receiverCores: {
    value: 1,
    unit: "core",
    meaning:
      "that a receiver keeps busy: folding, committing and answering are one thread, some threads inflate beside it",
    source: "CPU profile in docs/benchmarks.md",
  },
  receiverHeapBytes: {
    value: 3e9,
    unit: "B",
    meaning: "of a receiver's memory: Node's own limit is about 4 GB unless `--max-old-space-size` says otherwise",
    source: "https://nodejs.org/api/cli.html#--max-old-space-sizesize-in-mib",
  },
  redisPrimaryBytes: {
    value: 12e9,
    unit: "B",
    meaning: "of a Redis primary, so that a replica is filled again in minutes",
    source: "our advice",
  },
  databaseCores: { value: 8, unit: "core", meaning: "of a database's machine", source: "our advice" },
  databaseDiskBytes: {
    value: 4e12,
    unit: "B",
    meaning: "of a database, so that a copy is restored in hours",
    source: "our advice",
  },
  lookInRedis: {
    value: 40,
    unit: "CPU µs",
    meaning: "of Redis for a look at a lease, of every receiver at every shard, once a second",
    source: LOOKS_MEASURED,
  },
  candidateInRedis: {
    value: 0.2,
    unit: "CPU µs",
    meaning: "more for each receiver that there is: a look returns their names",
    source: LOOKS_MEASURED,
  },
  lookInReceiver: { value: 40, unit: "CPU µs", meaning: "of a receiver for such a look", source: LOOKS_MEASURED },
  candidateInReceiver: {
    value: 0.4,
    unit: "CPU µs",
    meaning: "more for each receiver that there is",
    source: LOOKS_MEASURED,
  },
};

/** The values alone. */
export type AssumedValues = Readonly<Record<AssumptionName, number>>;

/** The values as they are assumed. */
export function assumedValues(): AssumedValues {
  return Object.fromEntries(Object.entries(ASSUMPTIONS).map(([name, { value }]) => [name, value])) as Record<
    AssumptionName,
    number
  >;
}
