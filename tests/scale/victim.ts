/** A process that faults end or hold still: a receiver, a Redis node, a member of the SQL group. */

/** One process, which is started again on the same ports and data. */
export interface Victim {
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Holds it still. */
  freeze(): void;
  /** Lets it go on after `freeze`. */
  thaw(): void;
}
