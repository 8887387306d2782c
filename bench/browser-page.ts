/**
 * The part of `bench/browser.ts` that runs in the page: calls between connections of one page, the monitor or nothing beside
 * them, and what the page's own work notices of it. Bundled by the bench.
 */
import { monitorPeerConnections } from "../src/browser/monitor-peer-connections.ts";
import { type PeerConnection, StatsPoller } from "../src/browser/stats-poller.ts";
import { afterTurn } from "../src/browser/surroundings.ts";

/** Who measures: nobody, the monitor with its worker, or on the main thread. */
export type Mode = "none" | "worker" | "main";

/** What a page noticed for some seconds. Milliseconds. */
export interface PageNotices {
  /** Between two frames, every one. */
  readonly frames: readonly number[];
  /** Of tasks longer than 50 ms. */
  readonly longTasks: readonly number[];
}

/** The part of a connection that a call needs; this repository's types know no browser. */
interface Connection extends PeerConnection {
  onicecandidate: (event: { candidate: unknown }) => void;
  readonly localDescription: unknown;
  addIceCandidate(candidate: unknown): Promise<void>;
  addTrack(track: unknown): void;
  createOffer(): Promise<unknown>;
  createAnswer(): Promise<unknown>;
  setLocalDescription(description: unknown): Promise<void>;
  setRemoteDescription(description: unknown): Promise<void>;
  close(): void;
}

interface BrowserGlobals {
  readonly RTCPeerConnection: new () => Connection;
  readonly PerformanceObserver: new (seen: (list: { getEntries(): { duration: number }[] }) => void) => {
    observe(options: { type: string }): void;
    disconnect(): void;
  };
  readonly Worker: new (url: string) => { postMessage(message: unknown): void };
  readonly AudioContext: new () => {
    createOscillator(): { connect(to: unknown): void; start(): void };
    createMediaStreamDestination(): { stream: { getAudioTracks(): { clone(): unknown }[] } };
  };
  requestAnimationFrame(frame: (atMillis: number) => void): void;
}

const browser = globalThis as unknown as BrowserGlobals;
const connections: Connection[] = [];
let track: { clone(): unknown } | undefined;

function tone(): unknown {
  if (track === undefined) {
    const audio = new browser.AudioContext();
    const destination = audio.createMediaStreamDestination();
    const oscillator = audio.createOscillator();
    oscillator.connect(destination);
    oscillator.start();
    [track] = destination.stream.getAudioTracks();
  }
  return track!.clone();
}

/** Makes so many connections, in pairs that send each other sound. */
async function connect(count: number): Promise<void> {
  while (connections.length < count) {
    const [one, other] = [new browser.RTCPeerConnection(), new browser.RTCPeerConnection()];
    one.onicecandidate = ({ candidate }) => candidate !== null && void other.addIceCandidate(candidate);
    other.onicecandidate = ({ candidate }) => candidate !== null && void one.addIceCandidate(candidate);
    one.addTrack(tone());
    other.addTrack(tone());
    await one.setLocalDescription(await one.createOffer());
    await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription(await other.createAnswer());
    await one.setRemoteDescription(other.localDescription);
    connections.push(one, other);
  }
}

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, seconds * 1_000));

/** Frames and long tasks of some seconds, with the monitor or without. */
async function notice(mode: Mode, bridge: string, seconds: number): Promise<PageNotices> {
  const monitor =
    mode === "none" ? undefined : monitorPeerConnections({ url: bridge, token: "bench", worker: mode === "worker" });
  for (const connection of connections) monitor?.add(connection);
  // What starting costs is not what running costs.
  await sleep(2);
  const frames: number[] = [];
  const longTasks: number[] = [];
  const observer = new browser.PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(duration);
  });
  observer.observe({ type: "longtask" });
  const end = performance.now() + seconds * 1_000;
  await new Promise<void>((resolve) => {
    let last = performance.now();
    const frame = (): void => {
      const now = performance.now();
      frames.push(now - last);
      last = now;
      if (now < end) browser.requestAnimationFrame(frame);
      else resolve();
    };
    browser.requestAnimationFrame(frame);
  });
  observer.disconnect();
  await monitor?.stop();
  return { frames, longTasks };
}

/** Past the time for which the browser keeps a report. */
const BETWEEN_TICKS_SECONDS = 0.2;

/** Asks every connection, and does nothing with the answers. */
async function ask(ticks: number): Promise<void> {
  for (let count = 0; count < ticks; count += 1) {
    await sleep(BETWEEN_TICKS_SECONDS);
    await Promise.all(connections.map((connection) => connection.getStats()));
  }
}

let poller: StatsPoller | undefined;

/** Begins to ask as the monitor does, posting to a worker, and takes the first reports: what starts once is in no tick. */
async function prepare(): Promise<void> {
  const worker = new browser.Worker(URL.createObjectURL(new Blob(["onmessage = () => undefined"])));
  poller = new StatsPoller({
    post: (reports) => worker.postMessage({ kind: "reports", reports }),
    // So long that no connection sits out a tick.
    statsIntervalMillis: 3_600_000,
    monotonicMillis: () => performance.now(),
    afterTurn,
  });
  for (const [id, connection] of connections.entries()) poller.add(id, connection);
  await sleep(1);
}

/** Asks as the monitor does. */
async function poll(ticks: number): Promise<void> {
  for (let count = 0; count < ticks; count += 1) {
    await sleep(BETWEEN_TICKS_SECONDS);
    await poller?.tick();
  }
}

Object.assign(globalThis, { bench: { connect, notice, ask, prepare, poll } });
