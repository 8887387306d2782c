/** A page that holds one call between two monitored participants, driven from outside: for any browser that runs scripts. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { bundleBrowser } from "../../scripts/browser-bundle.ts";

/** The part of a browser's page that is used, whoever drives it. */
export interface ScriptedPage {
  goto(url: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
}

/** How a call is to be. */
export interface CallOptions {
  /** Where the bridge is. */
  readonly bridge: string;
  /** The token of each participant. */
  readonly tokens: { readonly caller: string; readonly callee: string };
  /** The caller is forced through it. Without it the call is direct. */
  readonly turn?: { readonly url: string; readonly username: string; readonly credential: string };
  /** Pixels, of the camera. Without it there is only sound. */
  readonly video?: { readonly width: number; readonly height: number };
  /** Microphones on each side; each sends 50 packets a second. Default 1. */
  readonly microphones?: number;
}

/** What the browser itself has counted of one participant's connection. */
export interface BrowserCounts {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** 0 where the browser does not count packets on transports. */
  readonly packets: number;
  /** ICE checks and their answers, both ways; 0 where it does not count them. */
  readonly stunMessages: number;
}

/** A sample as the page got it. */
export interface SeenSample {
  readonly atMillis: number;
  readonly level: string;
  readonly relayed: boolean | undefined;
  readonly protocol: string | undefined;
  readonly roundTripSeconds: number | undefined;
}

/** Which of the two. */
export type Participant = "caller" | "callee";

/** Plain JavaScript of the page. */
const SCRIPT = `
import { monitorPeerConnections } from "/index.js";

const countsOf = async (connection) => {
  const entries = [...(await connection.getStats()).values()];
  const counted = entries.some(({ type, bytesSent }) => type === "transport" && bytesSent !== undefined);
  const sum = (type, ...names) => entries.filter((entry) => entry.type === type)
    .reduce((total, entry) => total + names.reduce((part, name) => part + (entry[name] ?? 0), 0), 0);
  const source = counted ? "transport" : "candidate-pair";
  return {
    bytesSent: sum(source, "bytesSent"), bytesReceived: sum(source, "bytesReceived"),
    packets: sum("transport", "packetsSent", "packetsReceived"),
    stunMessages: sum("candidate-pair", "requestsSent", "requestsReceived", "responsesSent", "responsesReceived",
      "consentRequestsSent"),
  };
};

window.startCall = async ({ bridge, tokens, turn, video = false, microphones = 1 }) => {
  const servers = turn && [{ urls: turn.url, username: turn.username, credential: turn.credential }];
  const connections = {
    caller: new RTCPeerConnection(turn ? { iceServers: servers, iceTransportPolicy: "relay" } : {}),
    callee: new RTCPeerConnection(),
  };
  const { caller, callee } = connections;
  caller.onicecandidate = ({ candidate }) => candidate && callee.addIceCandidate(candidate);
  callee.onicecandidate = ({ candidate }) => candidate && caller.addIceCandidate(candidate);
  const samples = { caller: [], callee: [] };
  const monitors = {};
  for (const [name, connection] of Object.entries(connections)) {
    monitors[name] = monitorPeerConnections({
      url: bridge, token: tokens[name], serviceName: "meeting-test",
      onSample: ({ quality, relay, roundTrip }) => samples[name].push({ atMillis: Date.now(), level: quality.level,
        relayed: relay.relayed, protocol: relay.protocol, roundTripSeconds: roundTrip?.seconds }),
    });
    monitors[name].add(connection);
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video });
  for (let more = 1; more < microphones; more += 1) stream.addTrack(stream.getAudioTracks()[0].clone());
  for (const connection of [caller, callee]) for (const track of stream.getTracks()) connection.addTrack(track, stream);
  await caller.setLocalDescription(await caller.createOffer());
  await callee.setRemoteDescription(caller.localDescription);
  await callee.setLocalDescription(await callee.createAnswer());
  await caller.setRemoteDescription(callee.localDescription);
  await new Promise((resolve, reject) => {
    const look = () => {
      if (caller.connectionState === "connected") resolve();
      if (caller.connectionState === "failed") reject(new Error("the call did not connect"));
    };
    caller.onconnectionstatechange = look;
    setTimeout(() => reject(new Error("the call is still " + caller.connectionState)), 30000);
    look();
  });
  window.call = { connections, monitors, samples, stream };
};

window.countCall = (name) => countsOf(call.connections[name]);

// Still, so that what is counted last is all there was.
window.silenceCall = async () => {
  const senders = Object.values(call.connections).flatMap((connection) => connection.getSenders());
  await Promise.all(senders.map((sender) => sender.replaceTrack(null)));
};

window.endCall = async () => {
  const counts = {};
  for (const [name, connection] of Object.entries(call.connections)) {
    const before = await countsOf(connection);
    await call.monitors[name].remove(connection);
    counts[name] = { before, after: await countsOf(connection) };
    await call.monitors[name].stop();
  }
  for (const connection of Object.values(call.connections)) connection.close();
  for (const track of call.stream.getTracks()) track.stop();
  return counts;
};
window.ready = true;
`;

/** Serves the page. */
export class CallSite {
  readonly url: string;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  /** Starts on a free port of loopback. */
  static async start(): Promise<CallSite> {
    const files = new Map((await bundleBrowser()).map(({ name, code }) => [`/${name}`, code]));
    files.set("/call.js", SCRIPT);
    const http = createServer(({ url = "/" }, response) => {
      const script = files.get(url);
      response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
      response.end(script ?? `<!doctype html><title>call</title><script type="module" src="/call.js"></script>`);
    });
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    return new CallSite(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    });
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** One call in one page. */
export class Call {
  readonly #page: ScriptedPage;

  private constructor(page: ScriptedPage) {
    this.#page = page;
  }

  /** Opens the page and starts the call. Resolves when it is connected. */
  static async start(page: ScriptedPage, site: CallSite, options: CallOptions): Promise<Call> {
    await page.goto(site.url);
    const script = `(async () => {
      while (!window.ready) await new Promise((resolve) => setTimeout(resolve, 20));
      await startCall(${JSON.stringify(options)});
    })()`;
    await page.evaluate(script);
    return new Call(page);
  }

  /** What the page has seen of a participant so far. */
  async samples(of: Participant): Promise<SeenSample[]> {
    return (await this.#page.evaluate(`call.samples.${of}`)) as SeenSample[];
  }

  /** What the browser has counted of a participant so far. */
  async counts(of: Participant): Promise<BrowserCounts> {
    return (await this.#page.evaluate(`countCall("${of}")`)) as BrowserCounts;
  }

  /** Ends the media; the connections stay. */
  async silence(): Promise<void> {
    await this.#page.evaluate("silenceCall()");
  }

  /** Ends it all in order; what the browser had counted just before and just after the last report. */
  async end(): Promise<Record<Participant, { before: BrowserCounts; after: BrowserCounts }>> {
    return (await this.#page.evaluate("endCall()")) as Record<
      Participant,
      { before: BrowserCounts; after: BrowserCounts }
    >;
  }
}
