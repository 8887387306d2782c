/** The fault matrix: every row, in the order in which it is printed. */
import { DISK_FAULTS } from "./disk-faults.ts";
import { FAILOVER_FAULTS } from "./failover-faults.ts";
import { NETWORK_FAULTS } from "./network-faults.ts";
import { PAGE_FAULTS } from "./page-faults.ts";
import { RANDOM_FAULTS } from "./random-faults.ts";
import { RECEIVER_FAULTS } from "./receiver-faults.ts";
import { REDIS_FAULTS } from "./redis-faults.ts";
import type { Fault, Size } from "./run-cycle.ts";
import { SENDER_FAULTS } from "./sender-faults.ts";
import { SQL_FAULTS } from "./sql-faults.ts";

/** All faults. */
export const FAULTS: readonly Fault[] = [
  ...RECEIVER_FAULTS,
  ...SENDER_FAULTS,
  ...PAGE_FAULTS,
  ...NETWORK_FAULTS,
  ...REDIS_FAULTS,
  ...FAILOVER_FAULTS,
  ...SQL_FAULTS,
  ...DISK_FAULTS,
  ...RANDOM_FAULTS,
];

/** A few seconds a row: for every test run. */
export const SHORT: Size = {
  short: true,
  batches: 12,
  senders: 3,
  timing: { retryAfterSecond: 50, firstBackoff: 10, mostBackoff: 100, timeout: 1000, mostPause: 10 },
};

/** With the times that exporters and servers have. */
export const LONG: Size = {
  short: false,
  batches: 60,
  senders: 4,
  timing: { retryAfterSecond: 1000, firstBackoff: 200, mostBackoff: 5000, timeout: 10_000, mostPause: 30 },
};
