/** The rows of the scale runs, in the order in which they are printed. */
import { RECEIVER_ROWS } from "./receiver-rows.ts";
import type { ScaleFault } from "./scale-fault.ts";
import { STORE_ROWS } from "./store-rows.ts";

/** All rows. */
export const ROWS: readonly ScaleFault[] = [...RECEIVER_ROWS, ...STORE_ROWS];
