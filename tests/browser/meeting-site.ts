/** A site for the tests of the page side: serves the bundle and pages that hold calls, and takes what pages export. */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { Server as SocketServer } from "socket.io";
import { bundleBrowser } from "../../scripts/browser-bundle.ts";
import { exportedSeries } from "./exported-series.ts";

/** Plain JavaScript of the page: two connections with picture and sound between them, and their byte counts. */
const PAGE_SCRIPT = `
window.monitorPeerConnections ??= (await import("/index.js")).monitorPeerConnections;
window.startCall = async () => {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = ({ candidate }) => candidate && b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => candidate && a.addIceCandidate(candidate);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } });
  for (const connection of [a, b]) for (const track of stream.getTracks()) connection.addTrack(track, stream);
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  return [a, b];
};
window.bytesOf = async (connection) => {
  let bytes = 0;
  for (const entry of (await connection.getStats()).values())
    if (entry.type === "transport") bytes += entry.bytesSent + entry.bytesReceived;
  return bytes;
};
window.ready = true;
`;

const PAGE = `<!doctype html><title>call</title><script type="module" src="/page.js"></script>`;
const PAGE_WITH_SCRIPT = `<!doctype html><title>call</title><script src="/script.js"></script><script>
  window.monitorPeerConnections = otelBandwidth.monitorPeerConnections;
</script><script type="module" src="/page.js"></script>`;

/** One `metrics` event. */
export interface ReceivedExport {
  readonly atMillis: number;
  readonly bytes: number;
  readonly series: ReadonlyMap<string, number>;
  /** The same by start, too: a monitor that moves begins again. */
  readonly streams: ReadonlyMap<string, number>;
}

/** The site. `answer` is what the bridge says to an export. */
export class MeetingSite {
  readonly received: ReceivedExport[] = [];
  readonly tokens: unknown[] = [];
  answer: unknown = { ok: true };
  /** So many exports are not taken now, and who sends them loses its connection. */
  busyTimes = 0;
  /** Told to each page that connects, when there is something to tell. */
  config: unknown;
  /** Refuses connections while true. */
  refusing = false;
  readonly #http: HttpServer;
  readonly #sockets: SocketServer;

  private constructor(http: HttpServer) {
    this.#http = http;
    this.#sockets = new SocketServer(http, { transports: ["websocket"], serveClient: false });
    const namespace = this.#sockets.of("/webrtc");
    namespace.use((socket, next) => {
      this.tokens.push(socket.handshake.auth["token"]);
      next(this.refusing ? new Error("unauthenticated") : undefined);
    });
    namespace.on("connection", (socket) => {
      if (this.config !== undefined) socket.emit("config", this.config);
      socket.on("metrics", (body: Buffer, acknowledge: (answer: unknown) => void) => {
        if (this.busyTimes > 0) {
          this.busyTimes -= 1;
          acknowledge({ error: "not now", retryable: true });
          socket.disconnect(true);
          return;
        }
        const plain = body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body;
        this.received.push({
          atMillis: performance.now(),
          bytes: body.length,
          series: exportedSeries(plain),
          streams: exportedSeries(plain, true),
        });
        acknowledge(this.answer);
      });
    });
  }

  /** Starts a site on a free port. `policies`: a content security policy by path. */
  static async start(policies: Readonly<Record<string, string>>): Promise<MeetingSite> {
    const files = new Map((await bundleBrowser()).map(({ name, code }) => [`/${name}`, code]));
    files.set("/page.js", PAGE_SCRIPT);
    const http = createServer((request, response) => {
      const path = request.url ?? "/";
      const script = files.get(path);
      response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
      const policy = policies[path];
      if (policy !== undefined) response.setHeader("content-security-policy", policy);
      response.end(script ?? (path === "/script" ? PAGE_WITH_SCRIPT : PAGE));
    });
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    return new MeetingSite(http);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The newest value of every series. */
  totals(): Map<string, number> {
    return new Map(this.received.flatMap(({ series }) => [...series]));
  }

  /** The sum of the newest values of a metric's streams: what a receiver would hold. */
  total(metric: string): number {
    const streams = new Map(this.received.flatMap((one) => [...one.streams]));
    const those = [...streams].filter(([key]) => key.startsWith(`${metric}{`));
    return those.reduce((sum, [, value]) => sum + value, 0);
  }

  /** Tells every page. */
  configure(config: unknown): void {
    this.config = config;
    this.#sockets.of("/webrtc").emit("config", config);
  }

  /** Cuts every socket. */
  disconnect(): void {
    this.#sockets.of("/webrtc").disconnectSockets(true);
  }

  async close(): Promise<void> {
    await this.#sockets.close();
  }
}
