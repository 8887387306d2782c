/** A TCP proxy that breaks connections in the ways networks do. */
import { createConnection, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** What the proxy does with bytes that flow one way. */
export type Flow =
  /** Hands them on. */
  | "pass"
  /** Closes the connection instead of handing the next bytes on. */
  | "cut"
  /** Keeps them, until `pass` again. */
  | "stall";

/** A proxy in front of one server on the loopback interface. */
export interface TcpProxy {
  readonly port: number;
  /** How bytes from clients to the server flow, from now on. */
  requests(flow: Flow): void;
  /** How bytes from the server to clients flow, from now on. */
  replies(flow: Flow): void;
  /** Delays bytes both ways, milliseconds, from now on. */
  delay(millis: number): void;
  close(): Promise<void>;
}

/** Starts a proxy to `targetPort`. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new Proxy(targetPort);
  await proxy.listen();
  return proxy;
}

class Proxy implements TcpProxy {
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  readonly #held: { readonly direction: "requests" | "replies"; readonly deliver: () => void }[] = [];
  readonly #flow: Record<"requests" | "replies", Flow> = { requests: "pass", replies: "pass" };
  #delayMillis = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#connect(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  requests(flow: Flow): void {
    this.#setFlow("requests", flow);
  }

  replies(flow: Flow): void {
    this.#setFlow("replies", flow);
  }

  delay(millis: number): void {
    this.#delayMillis = millis;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #setFlow(direction: "requests" | "replies", flow: Flow): void {
    this.#flow[direction] = flow;
    if (flow !== "pass") return;
    const due = this.#held.filter((held) => held.direction === direction);
    for (const held of due) {
      this.#held.splice(this.#held.indexOf(held), 1);
      held.deliver();
    }
  }

  #connect(client: Socket): void {
    const server = createConnection({ host: "127.0.0.1", port: this.#targetPort });
    const destroyBoth = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once("error", destroyBoth);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        destroyBoth();
      });
    }
    client.on("data", (bytes: Buffer) => this.#carry("requests", server, bytes, destroyBoth));
    server.on("data", (bytes: Buffer) => this.#carry("replies", client, bytes, destroyBoth));
  }

  #carry(direction: "requests" | "replies", target: Socket, bytes: Buffer, destroyBoth: () => void): void {
    const flow = this.#flow[direction];
    const deliver = (): void => {
      if (!target.destroyed) target.write(bytes);
    };
    if (flow === "cut") destroyBoth();
    else if (flow === "stall") this.#held.push({ direction, deliver });
    else if (this.#delayMillis > 0) setTimeout(deliver, this.#delayMillis);
    else deliver();
  }
}
