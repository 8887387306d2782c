/** Simulated pages in a process of their own, so that making and sending what they send is not counted. */
import { gzipSync } from "node:zlib";
import type { Socket } from "socket.io-client";
import { bridgeSocket, connected } from "../tests/support/bridge-client.ts";
import { otlpRequest, type TestAttributes, type TestMetric } from "../tests/support/otlp-request.ts";

/** What the bench asks of this process, one at a time. */
export type PageOrder =
  | { readonly order: "connect"; readonly origin: string; readonly tokens: readonly string[] }
  | { readonly order: "send"; readonly intervalMillis: number; readonly seconds: number };

/** What came of a `send`. */
export interface PagesSent {
  readonly events: number;
  readonly bytes: number;
  readonly refused: Readonly<Record<string, number>>;
  /** From sending an event to its acknowledgement, milliseconds. */
  readonly answerMillis: readonly number[];
  /** Packets that all pages together have told of so far. */
  readonly packets: number;
}

const CONNECTING_AT_ONCE = 50;
const STEP = 100;
const MAX_ATTEMPTS = 60;

interface Page {
  readonly socket: Socket;
  readonly name: string;
  readonly startNanos: bigint;
  value: number;
  /** The highest value that was acknowledged. */
  told: number;
}

const pages: Page[] = [];

process.on("message", (message: PageOrder) => {
  const answered = message.order === "connect" ? connectAll(message.origin, message.tokens) : sendAll(message);
  void answered.then((result) => process.send?.(result));
});
// Without this the process would outlive a bench that was ended.
process.on("disconnect", () => process.exit());

async function connectAll(origin: string, tokens: readonly string[]): Promise<number> {
  const start = performance.now();
  for (let first = 0; first < tokens.length; first += CONNECTING_AT_ONCE) {
    const some = tokens.slice(first, first + CONNECTING_AT_ONCE).map(async (token, index) => {
      const socket = bridgeSocket(origin, "/webrtc", token);
      await connected(socket);
      pages.push({ socket, name: `page-${first + index}`, startNanos: nowNanos(), value: 0, told: 0 });
    });
    await Promise.all(some);
  }
  return (performance.now() - start) / 1000;
}

/** Every page sends at its own time of the interval, and not before the last event was answered. */
async function sendAll({ intervalMillis, seconds }: Extract<PageOrder, { order: "send" }>): Promise<PagesSent> {
  const result = {
    events: 0,
    bytes: 0,
    refused: {} as Record<string, number>,
    answerMillis: [] as number[],
  };
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    pages.map(async (page, index) => {
      await pause((index / pages.length) * intervalMillis);
      for (let due = performance.now(); performance.now() < end; due += intervalMillis) {
        page.value += STEP;
        const body = exportOf(page);
        const sent = performance.now();
        const answer = (await page.socket.timeout(30_000).emitWithAck("metrics", body)) as {
          ok?: true;
          error?: string;
        };
        result.answerMillis.push(performance.now() - sent);
        result.events += 1;
        result.bytes += body.length;
        if (answer.ok === true) {
          page.told = page.value;
        } else {
          const reason = answer.error ?? "no reason";
          result.refused[reason] = (result.refused[reason] ?? 0) + 1;
        }
        await pause(due + intervalMillis - performance.now());
      }
    }),
  );
  await Promise.all(pages.map(settle));
  return { ...result, packets: pages.reduce((sum, { told }) => sum + told, 0) };
}

/** What was refused last is told again, as a page would: then the totals are what the pages have counted. */
async function settle(page: Page): Promise<void> {
  for (let attempt = 0; page.told < page.value && attempt < MAX_ATTEMPTS; attempt++) {
    const answer = (await page.socket.timeout(30_000).emitWithAck("metrics", exportOf(page))) as { ok?: true };
    if (answer.ok === true) page.told = page.value;
    else await pause(1000);
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, millis)));
}

function nowNanos(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** The series that change in a call with picture and sound. */
function exportOf({ name, startNanos, value }: Page): Buffer {
  const common = { start: startNanos, time: nowNanos(), value: BigInt(value) };
  const both = (attributes: TestAttributes = {}) => [
    { ...common, attributes: { "network.io.direction": "receive", ...attributes } },
    { ...common, attributes: { "network.io.direction": "transmit", ...attributes } },
  ];
  const relay = { "webrtc.relay": true, "webrtc.relay.protocol": "udp" };
  const histogram = {
    start: startNanos,
    time: common.time,
    count: BigInt(value / STEP),
    sum: value / STEP / 10,
    scale: 5,
  };
  const buckets = {
    offset: -120,
    bucketCounts: Array.from({ length: 12 }, (_, index) => BigInt(index + value / STEP)),
  };
  const count = buckets.bucketCounts.reduce((sum, some) => sum + some, 0n);
  const metrics: TestMetric[] = [
    { name: "webrtc.io", unit: "By", sum: both(relay) },
    { name: "webrtc.wire.io", unit: "By", sum: both(relay) },
    { name: "webrtc.packets", unit: "{packet}", sum: both() },
    { name: "webrtc.frames", unit: "{frame}", sum: both() },
    {
      name: "webrtc.connection.time",
      unit: "s",
      sum: [{ ...common, value: value / STEP, attributes: { "webrtc.quality": "good", "webrtc.relay": true } }],
    },
    { name: "webrtc.round_trip_time", unit: "s", exponential: [{ ...histogram, ...buckets, count }] },
    { name: "webrtc.jitter", unit: "s", exponential: [{ ...histogram, ...buckets, count }] },
  ];
  const attributes = { "service.name": "meeting-app", "service.instance.id": name };
  return gzipSync(otlpRequest([{ attributes, scope: "otel-bandwidth/browser", metrics }]));
}
