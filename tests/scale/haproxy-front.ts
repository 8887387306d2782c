/** haproxy between senders and receivers, for exporters and for pages. */
import type { Front } from "../faults/run-cycle.ts";
import type { ReceiverChild } from "../faults/receiver-child.ts";
import { type Haproxy, startHaproxy } from "../support/haproxy.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";

/** A front that is one haproxy over all receivers. */
export class HaproxyFront implements Front {
  readonly haproxy: Haproxy;
  readonly origins: readonly string[];
  readonly bridgeOrigin: string;
  readonly doors: readonly TcpProxy[] = [];
  readonly bridgeDoors: readonly TcpProxy[] = [];

  private constructor(haproxy: Haproxy) {
    this.haproxy = haproxy;
    this.origins = [`http://127.0.0.1:${haproxy.otlpPort}`];
    this.bridgeOrigin = `http://127.0.0.1:${haproxy.bridgePort}`;
  }

  /** Starts it before receivers that need not run yet. */
  static async open(receivers: readonly ReceiverChild[]): Promise<HaproxyFront> {
    const ports = receivers.map(({ port, bridgePort }) => ({ otlpPort: port, bridgePort }));
    return new HaproxyFront(await startHaproxy(ports));
  }

  async close(): Promise<void> {
    await this.haproxy.stop();
  }
}
