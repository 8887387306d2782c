/** What somebody without a token can do to the bridge, over a plain websocket and over a plain socket. */
import { connect, type Socket as NetSocket } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { connected, sendMetrics } from "../support/bridge-client.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { BridgeWorld } from "./bridge-world.ts";

let world: BridgeWorld;
const open: { terminate(): void }[] = [];

afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  await world.close();
});

/** A websocket that has connected to the engine and to no namespace. */
async function engineSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/socket.io/?EIO=4&transport=websocket`);
  open.push(socket);
  socket.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("unexpected-response", (_request, response) => reject(new Error(`status ${response.statusCode}`)));
  });
  return socket;
}

function closed(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => void socket.once("close", (code) => resolve(code)));
}

const UPGRADE = [
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
  "Host: bridge",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "\r\n",
].join("\r\n");

/** A plain socket that has become a websocket and reads nothing more. */
async function deafSocket(): Promise<NetSocket> {
  const socket = connect(world.port, "127.0.0.1");
  open.push({ terminate: () => socket.destroy() });
  socket.on("error", () => undefined);
  socket.write(UPGRADE);
  await new Promise<void>((resolve) => void socket.once("data", () => resolve()));
  socket.pause();
  return socket;
}

it("one that sends pings and never reads is cut off after a few megabytes, not after a hundred", async () => {
  world = await BridgeWorld.start();
  const socket = await deafSocket();
  // Masked pings of 125 bytes, 64 KiB at a time.
  const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125, 0x61)]);
  const chunk = Buffer.concat(Array.from({ length: 500 }, () => ping));
  let bytes = 0;
  while (!socket.closed && bytes < 100_000_000) {
    bytes += chunk.length;
    const flows = socket.write(chunk);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      if (flows) setImmediate(done);
      else socket.once("drain", done).once("close", done);
    });
  }
  expect(socket.closed).toBe(true);
  expect(bytes).toBeLessThan(30_000_000);
});

it("one that sends a message in many fragments is cut off", async () => {
  world = await BridgeWorld.start();
  const socket = await deafSocket();
  const gone = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  // An unfinished text message of one byte, and empty masked continuations.
  socket.write(Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x34]));
  for (let fragment = 0; fragment < 100; fragment++) socket.write(Buffer.from([0x00, 0x80, 0, 0, 0, 0]));
  socket.resume();
  await gone;
});

/** A text message, masked, of which so many bytes come and the last is missing. */
function unfinishedMessage(bytes: number): Buffer {
  const header = Buffer.from([0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeBigUInt64BE(BigInt(bytes + 1), 2);
  return Buffer.concat([header, Buffer.alloc(bytes, 0x34)]);
}

it.each([
  ["cut off when it is larger than tokens are", 40_000, true],
  ["waited for while it is small", 12_000, false],
])(
  "one that begins a message and does not end it is %s, also where an event may be larger",
  async (_what, bytes, ends) => {
    // The time in which a token must come does not pass.
    world = await BridgeWorld.start({ clock: new FakeClock(1_800_000_000_000), limits: { maxEventBytes: 100_000 } });
    const socket = await deafSocket();
    const gone = new Promise<boolean>((resolve) => void socket.once("close", () => resolve(true)));
    socket.write(unfinishedMessage(bytes));
    socket.resume();
    const stays = new Promise<boolean>((resolve) => void setTimeout(resolve, 300, false));
    expect(await (ends ? gone : Promise.race([gone, stays]))).toBe(ends);
  },
);

it("one that sends before the upgrade is answered is cut off", async () => {
  world = await BridgeWorld.start({ clock: new FakeClock(1_800_000_000_000) });
  const socket = connect(world.port, "127.0.0.1");
  open.push({ terminate: () => socket.destroy() });
  socket.on("error", () => undefined);
  const gone = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  socket.end(Buffer.concat([Buffer.from(UPGRADE), unfinishedMessage(12_000)]));
  socket.resume();
  await gone;
  expect(socket.bytesRead).toBe(0);
});

it("one that has shown its token may send events of their full size", async () => {
  world = await BridgeWorld.start();
  const page = await world.page();
  expect(await sendMetrics(page, Buffer.alloc(100_000, 0xff))).toMatchObject({ retryable: false });
});

it("one that sends a message larger than an event may be is cut off", async () => {
  world = await BridgeWorld.start({ limits: { maxEventBytes: 1000 } });
  const socket = await engineSocket();
  socket.send(`4${"x".repeat(2001)}`);
  expect(await closed(socket)).toBe(1009);
});

it("one that tries token after token on one connection is cut off", async () => {
  const verify = vi.fn(async () => ({ kind: "failure", code: "unauthenticated", reason: "no" }) as const);
  world = await BridgeWorld.start({ verify });
  const socket = await engineSocket();
  const gone = closed(socket);
  for (let attempt = 0; attempt < 100; attempt++) socket.send(`40/webrtc,{"token":"${attempt}"}`);
  await gone;
  expect(verify.mock.calls.length).toBeLessThan(10);
});

it("one that shows no token in time is cut off", async () => {
  const clock = new FakeClock(1_800_000_000_000);
  world = await BridgeWorld.start({ clock });
  const gone = closed(await engineSocket());
  await clock.advance(5000);
  await gone;
});

it("one that joins the library's own namespace is refused there, and cut off", async () => {
  const clock = new FakeClock(1_800_000_000_000);
  world = await BridgeWorld.start({ clock });
  const socket = await engineSocket();
  const gone = closed(socket);
  const answered = new Promise<string>((resolve) => {
    socket.on("message", (data: Buffer) => {
      if (data.toString().startsWith("4")) resolve(data.toString());
    });
  });
  socket.send("40");
  expect(await answered).toMatch(/^44\{"message":"expected the namespace \/webrtc for pages or \/admin for admins"/);
  await clock.advance(5000);
  await gone;
});

it("one that has shown its token in time stays", async () => {
  const clock = new FakeClock(1_800_000_000_000);
  world = await BridgeWorld.start({ clock });
  const page = await world.page();
  await clock.advance(60_000);
  expect(await sendMetrics(page, "no bytes")).toMatchObject({ error: "expected metrics as binary OTLP" });
});

it.each<[string, readonly (string | Buffer)[]]>([
  // The parser would hold it until the last of nine has come.
  ["an attachment", ['459-/webrtc,["metrics",{"_placeholder":true,"num":0}]', Buffer.of(1)]],
  ["a text that is longer than any token", [`40/webrtc,{"token":"${"x".repeat(12 * 1024)}"}`]],
])("one that sends %s is cut off", async (_what, messages) => {
  // The time in which a token must come does not pass.
  world = await BridgeWorld.start({ clock: new FakeClock(1_800_000_000_000) });
  const socket = await engineSocket();
  const gone = closed(socket);
  for (const message of messages) socket.send(message);
  await gone;
});

it("there are few of one address, until they show a token or go", async () => {
  world = await BridgeWorld.start({ limits: { maxPendingPerAddress: 2 } });
  await world.page();
  await world.page({ participant: "q" });
  const first = await engineSocket();
  await engineSocket();
  await expect(engineSocket()).rejects.toThrow("status 400");
  const refused = world.socket("/webrtc", await world.token());
  await expect(connected(refused)).rejects.toThrow("websocket error");
  first.close();
  await closed(first);
  await vi.waitFor(() => world.page({ participant: "r" }));
});

it("there are few in all", async () => {
  world = await BridgeWorld.start({ limits: { maxPending: 1 } });
  await engineSocket();
  await expect(engineSocket()).rejects.toThrow("status 400");
});
