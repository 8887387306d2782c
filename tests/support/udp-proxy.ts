/** A UDP proxy that does to packets what networks do: it delays and drops them, as told and repeatably. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";

/** What happens to each packet, either way. */
export interface Impairment {
  /** One way. */
  readonly delayMillis?: number;
  /** 0 to 1. */
  readonly lossRatio?: number;
}

/** What one way has seen. */
interface Way {
  packets: number;
  dropped: number;
  /** Packets of the current block that are still to come, and of these, to be dropped. */
  left: number;
  toDrop: number;
}

/** A proxy in front of one UDP server on loopback. */
export interface UdpProxy {
  readonly port: number;
  /** From now on. */
  impair(impairment: Impairment): void;
  /** Dropped of all packets, 0 to 1. */
  lossRatio(): number;
  /**
   * What it has seen of round trips of ICE checks, from when the client's check came to when the answer was handed on to it,
   * milliseconds: the truth that a client's own figure can be held against, also where timers are late.
   */
  readonly roundTripMillis: readonly number[];
  close(): Promise<void>;
}

/**
 * Losses are spread evenly, at random places: of each block of this many packets exactly the ratio is dropped, so that what
 * is put in is known better than chance alone would allow.
 */
const BLOCK_PACKETS = 100;

/** Starts a proxy to a port. `seed` decides where in a block packets are dropped. */
export async function startUdpProxy(targetPort: number, seed: number, impairment: Impairment = {}): Promise<UdpProxy> {
  const proxy = new Proxy(targetPort, seed, impairment);
  await proxy.listen();
  return proxy;
}

class Proxy implements UdpProxy {
  readonly #targetPort: number;
  readonly #socket = createSocket("udp4");
  readonly #upstreams = new Map<string, Socket>();
  readonly #up: Way = { packets: 0, dropped: 0, left: 0, toDrop: 0 };
  readonly #down: Way = { packets: 0, dropped: 0, left: 0, toDrop: 0 };
  readonly #random: () => number;
  #impairment: Impairment;
  readonly roundTripMillis: number[] = [];
  /** When checks came, by their transaction. */
  readonly #checks = new Map<string, number>();
  #closed = false;

  constructor(targetPort: number, seed: number, impairment: Impairment) {
    this.#targetPort = targetPort;
    this.#random = seededRandom(seed);
    this.#impairment = impairment;
  }

  async listen(): Promise<void> {
    this.#socket.on("message", (packet, from) => {
      const upstream = this.#upstream(from);
      const check = iceMessage(packet, BINDING_REQUEST);
      if (check !== undefined) this.#checks.set(check, performance.now());
      this.#pass(this.#up, () => upstream.send(packet, this.#targetPort, "127.0.0.1"));
    });
    await new Promise<void>((resolve) => void this.#socket.bind(0, "127.0.0.1", resolve));
    this.#socket.setRecvBufferSize(4 * 1024 * 1024);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  impair(impairment: Impairment): void {
    this.#impairment = impairment;
    for (const way of [this.#up, this.#down]) way.left = 0;
  }

  lossRatio(): number {
    return (this.#up.dropped + this.#down.dropped) / (this.#up.packets + this.#down.packets);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const sockets = [this.#socket, ...this.#upstreams.values()];
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => void socket.close(resolve))));
  }

  /** A socket for each client, so that the server tells them apart. */
  #upstream({ address, port }: RemoteInfo): Socket {
    const key = `${address}:${port}`;
    const known = this.#upstreams.get(key);
    if (known !== undefined) return known;
    const upstream = createSocket("udp4");
    upstream.on("message", (packet) => {
      this.#pass(this.#down, () => {
        this.#socket.send(packet, port, address);
        const sent = this.#checks.get(iceMessage(packet, BINDING_RESPONSE) ?? "");
        if (sent !== undefined) this.roundTripMillis.push(performance.now() - sent);
      });
    });
    upstream.on("error", () => undefined);
    this.#upstreams.set(key, upstream);
    return upstream;
  }

  #pass(way: Way, send: () => void): void {
    way.packets += 1;
    if (this.#drops(way)) {
      way.dropped += 1;
      return;
    }
    const { delayMillis = 0 } = this.#impairment;
    if (delayMillis === 0) send();
    else setTimeout(() => this.#closed || send(), delayMillis);
  }

  #drops(way: Way): boolean {
    const { lossRatio = 0 } = this.#impairment;
    if (way.left === 0) {
      way.left = BLOCK_PACKETS;
      way.toDrop = Math.round(lossRatio * BLOCK_PACKETS);
    }
    const drops = this.#random() < way.toDrop / way.left;
    way.left -= 1;
    if (drops) way.toDrop -= 1;
    return drops;
  }
}

const BINDING_REQUEST = 0x0001;
const BINDING_RESPONSE = 0x0101;
/** Of a STUN message, RFC 8489 section 5; and of TURN's ChannelData around it, RFC 8656 section 12.4. */
const STUN_HEADER_BYTES = 20;
const CHANNEL_HEADER_BYTES = 4;

/** The transaction of an ICE check that is relayed in ChannelData. */
function iceMessage(packet: Buffer, type: number): string | undefined {
  const isChannelData = packet[0]! >= 0x40 && packet[0]! < 0x50;
  if (!isChannelData || packet.length < CHANNEL_HEADER_BYTES + STUN_HEADER_BYTES) return undefined;
  if (packet.readUInt16BE(CHANNEL_HEADER_BYTES) !== type) return undefined;
  return packet.toString("hex", CHANNEL_HEADER_BYTES + 8, CHANNEL_HEADER_BYTES + STUN_HEADER_BYTES);
}

/** mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
