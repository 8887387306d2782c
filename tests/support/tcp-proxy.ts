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
  /** Connections that were cut so far. */
  readonly broken: number;
  /** How often bytes were kept back so far. */
  readonly held: number;
  /** How bytes from clients to the server flow, from now on. */
  requests(flow: Flow): void;
  /** How bytes from the server to clients flow, from now on. */
  replies(flow: Flow): void;
  /** Delays bytes both ways, milliseconds, from now on. */
  delay(millis: number): void;
  /**
   * Calls `act` once, when the next request whose bytes hold `text` comes, before it is handed on, or when the next reply
   * comes on its connection after it. What `act` returns is done with these bytes. A later call replaces an earlier one.
   */
  once(text: string | Buffer, moment: "request" | "reply", act: () => Flow): void;
  /** Ends every connection; those to come lead to another server. */
  redirect(targetPort: number): void;
  /** Counts the requests whose bytes hold `text`, from now on. */
  countRequests(text: string | Buffer): () => number;
  /** Counts the replies whose bytes hold `text`, from now on. */
  countReplies(text: string | Buffer): () => number;
  close(): Promise<void>;
}

/** Starts a proxy to `targetPort`. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new Proxy(targetPort);
  await proxy.listen();
  return proxy;
}

interface Watch {
  readonly text: string | Buffer;
  readonly moment: "request" | "reply";
  readonly act: () => Flow;
  /** The client whose request held the text. */
  asked: Socket | undefined;
}

class Proxy implements TcpProxy {
  #targetPort: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  /** The client of each connection to the server. */
  readonly #clients: WeakMap<Socket, Socket> = new WeakMap();
  readonly #held: { readonly direction: "requests" | "replies"; readonly deliver: () => void }[] = [];
  readonly #flow: Record<"requests" | "replies", Flow> = { requests: "pass", replies: "pass" };
  /** What is delayed, by where it goes. */
  readonly #late: WeakMap<Socket, { readonly due: number; readonly deliver: () => void }[]> = new WeakMap();
  broken = 0;
  held = 0;
  readonly #counters: { readonly direction: "requests" | "replies"; readonly text: string | Buffer; count: number }[] =
    [];
  #delayMillis = 0;
  #watch: Watch | undefined;

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

  once(text: string | Buffer, moment: "request" | "reply", act: () => Flow): void {
    this.#watch = { text, moment, act, asked: undefined };
  }

  redirect(targetPort: number): void {
    this.#targetPort = targetPort;
    for (const socket of this.#sockets) socket.destroy();
  }

  countRequests(text: string | Buffer): () => number {
    return this.#count("requests", text);
  }

  countReplies(text: string | Buffer): () => number {
    return this.#count("replies", text);
  }

  #count(direction: "requests" | "replies", text: string | Buffer): () => number {
    const counter = { direction, text, count: 0 };
    this.#counters.push(counter);
    return () => counter.count;
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
    this.#clients.set(server, client);
    server.on("data", (bytes: Buffer) => this.#carry("replies", client, bytes, destroyBoth));
  }

  /** What a watch says of these bytes, if it concerns them. */
  #watched(direction: "requests" | "replies", target: Socket, bytes: Buffer): Flow | undefined {
    const watch = this.#watch;
    if (watch === undefined) return undefined;
    if (direction === "requests") {
      if (watch.asked?.destroyed === false || !bytes.includes(watch.text)) return undefined;
      watch.asked = this.#clients.get(target);
      if (watch.moment === "reply") return undefined;
    } else if (target !== watch.asked) return undefined;
    this.#watch = undefined;
    return watch.act();
  }

  #carry(direction: "requests" | "replies", target: Socket, bytes: Buffer, destroyBoth: () => void): void {
    for (const counter of this.#counters) {
      if (counter.direction === direction && bytes.includes(counter.text)) counter.count++;
    }
    const flow = this.#watched(direction, target, bytes) ?? this.#flow[direction];
    const deliver = (): void => {
      if (!target.destroyed) target.write(bytes);
    };
    if (flow === "cut") {
      this.broken++;
      destroyBoth();
    } else if (flow === "stall") {
      this.held++;
      this.#held.push({ direction, deliver });
    } else this.#deliverLate(target, deliver);
  }

  /** In the order in which the bytes came, though the delay may have changed in between. */
  #deliverLate(target: Socket, deliver: () => void): void {
    const late = this.#late.get(target) ?? [];
    if (late.length === 0 && this.#delayMillis === 0) {
      deliver();
      return;
    }
    this.#late.set(target, late);
    if (late.push({ due: performance.now() + this.#delayMillis, deliver }) > 1) return;
    const next = (): void => {
      while (late[0] !== undefined && late[0].due <= performance.now()) late.shift()!.deliver();
      if (late[0] !== undefined) setTimeout(next, Math.max(0, late[0].due - performance.now()));
    };
    setTimeout(next, this.#delayMillis);
  }
}
