/** Worker: the port to the bridge, and what a connection to it needs from the engine. */
import type { Clock } from "../model/clock.ts";
import type { ExportTransport } from "./export-loop.ts";
import type { RemoteConfig } from "./monitor-messages.ts";

/** A connection to the bridge. */
export interface BridgeConnection extends ExportTransport {
  close(): void;
}

/** What the bridge connection asks and tells. */
export interface BridgeHooks {
  readonly random: () => number;
  readonly clock: Clock;
  /** The token for a connection that is about to be made. */
  readonly token: () => Promise<string | undefined>;
  readonly onConfig: (config: RemoteConfig) => void;
}
