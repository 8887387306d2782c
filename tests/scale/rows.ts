/** The rows of the scale runs, in the order in which they are printed. */
import { RANDOM_ROWS } from "./random-rows.ts";
import { RECEIVER_ROWS } from "./receiver-rows.ts";
import type { ScaleFault } from "./scale-fault.ts";
import { SHARD_ROWS } from "./shard-rows.ts";
import { STORE_ROWS } from "./store-rows.ts";

/** All rows. */
export const ROWS: readonly ScaleFault[] = [...RECEIVER_ROWS, ...STORE_ROWS, ...SHARD_ROWS, ...RANDOM_ROWS];
