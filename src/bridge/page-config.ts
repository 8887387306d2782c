/** Bridge: what pages are told when they connect and when it changes. It goes before the options of the page. */

/** The payload of the event `config`. */
export interface PageConfig {
  /** False: pages measure and send nothing. */
  readonly enabled: boolean;
  readonly statsIntervalMillis: number;
  readonly emitThrottleMillis: number;
  /** False: pages calculate on their main thread. */
  readonly worker: boolean;
}
