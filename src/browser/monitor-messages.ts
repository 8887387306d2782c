/** What the page's main thread and the measuring side tell each other, whether that side is a worker or not. */
import type { ConnectionReading } from "./connection-reading.ts";
import type { ConnectionReport } from "./stats-entry.ts";

/** What the measuring side needs to begin. */
export interface EngineSettings {
  /** Where the bridge is: `https://host:port`. */
  readonly url: string;
  /** Attributes of the resource: `service.name`, `service.instance.id` and the like. */
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly statsIntervalMillis: number;
  readonly emitThrottleMillis: number;
}

/** What the bridge may change of a page at any time (the event `config`). */
export interface RemoteConfig {
  readonly enabled?: boolean;
  readonly statsIntervalMillis?: number;
  readonly emitThrottleMillis?: number;
  /** False: on the main thread. True: as the page chose. */
  readonly worker?: boolean;
}

/** From the main thread. */
export type ToEngine =
  | { readonly kind: "start"; readonly settings: EngineSettings }
  /** At most one of a connection. */
  | { readonly kind: "reports"; readonly reports: readonly ConnectionReport[] }
  /** Every report of a tick has been posted. */
  | { readonly kind: "ticked" }
  /** The connection's last report has been posted. */
  | { readonly kind: "removed"; readonly connection: number }
  | { readonly kind: "token"; readonly token: string | undefined }
  /** The page goes away. */
  | { readonly kind: "hide" }
  | { readonly kind: "stop" }
  /** Another engine counts the time from now on; last reports may still come. */
  | { readonly kind: "moved" }
  /** All is told. The page goes on with another engine, so there is time to bring what was measured to the bridge. */
  | { readonly kind: "retire" };

/** To the main thread. */
export type FromEngine =
  /** The engine runs. */
  | { readonly kind: "ready" }
  /** Reports are wanted now. */
  | { readonly kind: "tick" }
  | { readonly kind: "reading"; readonly connection: number; readonly reading: ConnectionReading }
  /** A token is wanted, each time a connection to the bridge is made. */
  | { readonly kind: "token" }
  | { readonly kind: "config"; readonly config: RemoteConfig }
  | { readonly kind: "stopped" };
