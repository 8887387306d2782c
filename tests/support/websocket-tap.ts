/** A TCP proxy in front of a Socket.IO server that reads what clients send, frame by frame (RFC 6455), and can cut them off. */
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** One frame of a client, as it is on the wire. */
export interface TappedFrame {
  readonly atMillis: number;
  /** With header and mask. */
  readonly bytes: number;
  /** Of a text frame. */
  readonly text: string | undefined;
}

/** What one connection's client sent after its handshake. */
export interface TappedConnection {
  readonly frames: readonly TappedFrame[];
}

/** Frames within some time. */
export interface Traffic {
  /** `metrics` events. */
  readonly events: number;
  /** Of all frames, those that keep the connection alive included. */
  readonly bytes: number;
}

const TEXT = 1;

/** The tap. Times are those of `Date.now`. */
export class WebsocketTap {
  readonly connections: TappedConnection[] = [];
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #offline = false;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#connect(client));
  }

  /** Starts on a free port, in front of `targetPort`. */
  static async start(targetPort: number): Promise<WebsocketTap> {
    const tap = new WebsocketTap(targetPort);
    await new Promise<void>((resolve) => void tap.#server.listen(0, "127.0.0.1", resolve));
    return tap;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Frames of connections that showed this token, from one time up to another. */
  traffic(token: string, fromMillis: number, toMillis: number): Traffic {
    const frames = this.#framesOf(token).filter(({ atMillis }) => atMillis >= fromMillis && atMillis < toMillis);
    return {
      events: frames.filter(isMetricsEvent).length,
      bytes: frames.reduce((sum, frame) => sum + frame.bytes, 0),
    };
  }

  /** When `metrics` events of connections that showed this token came. */
  eventTimes(token: string): number[] {
    return this.#framesOf(token).flatMap((frame) => (isMetricsEvent(frame) ? frame.atMillis : []));
  }

  /** Cuts every connection and takes no more. */
  cut(): void {
    this.#offline = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Takes connections again. */
  restore(): void {
    this.#offline = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #framesOf(token: string): TappedFrame[] {
    return this.connections.flatMap(({ frames }) =>
      frames.some(({ text }) => text?.includes(token)) ? [...frames] : [],
    );
  }

  #connect(client: Socket): void {
    if (this.#offline) {
      client.destroy();
      return;
    }
    const server = createConnection({ host: "127.0.0.1", port: this.#targetPort });
    const frames: TappedFrame[] = [];
    this.connections.push({ frames });
    const reader = new FrameReader((frame) => frames.push(frame));
    client.on("data", (chunk) => reader.read(chunk));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}

function isMetricsEvent({ text }: TappedFrame): boolean {
  return text?.includes('["metrics"') === true;
}

/** Finds the frames in what a client sends. */
class FrameReader {
  readonly #found: (frame: TappedFrame) => void;
  #buffer = Buffer.alloc(0);
  #upgraded = false;

  constructor(found: (frame: TappedFrame) => void) {
    this.#found = found;
  }

  read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    if (!this.#upgraded) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#upgraded = true;
      this.#buffer = this.#buffer.subarray(end + 4);
    }
    for (let bytes = this.#frame(); bytes > 0; bytes = this.#frame()) this.#buffer = this.#buffer.subarray(bytes);
  }

  /** Reads the first frame; 0 when it is not all there. */
  #frame(): number {
    const buffer = this.#buffer;
    if (buffer.length < 2) return 0;
    const short = buffer[1]! & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const header = 2 + extended + ((buffer[1]! & 0x80) === 0 ? 0 : 4);
    if (buffer.length < header) return 0;
    const length = extended === 0 ? short : extended === 2 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
    if (buffer.length < header + length) return 0;
    const isText = (buffer[0]! & 0x0f) === TEXT;
    const text = isText ? unmasked(buffer, header, length).toString() : undefined;
    this.#found({ atMillis: Date.now(), bytes: header + length, text });
    return header + length;
  }
}

function unmasked(buffer: Buffer, header: number, length: number): Buffer {
  const mask = buffer.subarray(header - 4, header);
  const payload = Buffer.from(buffer.subarray(header, header + length));
  for (const [index, byte] of payload.entries()) payload[index] = byte ^ mask[index % 4]!;
  return payload;
}
