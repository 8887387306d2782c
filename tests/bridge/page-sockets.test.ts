import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { failure, type Result, retryable, success } from "../../src/model/result.ts";
import type { OtlpAcceptance } from "../../src/model/otlp-exchange.ts";
import { connected, nextEvent, sendMetrics } from "../support/bridge-client.ts";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { BridgeWorld, type WorldChanges } from "./bridge-world.ts";

const NOW_MILLIS = 1_800_000_000_000;
let world: BridgeWorld;

async function start(changes: WorldChanges = {}): Promise<BridgeWorld> {
  world = await BridgeWorld.start(changes);
  return world;
}
afterEach(() => world.close());

function packets(value: bigint, attributes: Record<string, string> = {}): TestMetric {
  return { name: "webrtc.packets", unit: "{packet}", sum: [{ attributes, start: 1n, time: 2n, value }] };
}

const BODY = Buffer.from(otlpRequest([{ metrics: [packets(5n)] }]));

/** Why a socket could not connect. */
async function refusal(token: unknown, options: object = {}): Promise<{ message: string; data?: unknown }> {
  const error = await connected(world.socket("/webrtc", token, options)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error as { message: string; data?: unknown };
}

describe("a page that connects", () => {
  it.each<[string, () => unknown, string]>([
    ["no token", () => undefined, "there is no token"],
    ["a token that is no text", () => ({ a: 1 }), "there is no token"],
    ["nonsense", () => "nonsense", "the token is not valid"],
    ["a token that is too long", () => "x".repeat(10_000), "the token is too long"],
    ["a token that has expired", () => world.token({ expiresInSeconds: -1 }), "the token has expired"],
    [
      "an admin's token that names no participant",
      () => world.token({ role: "admin", meeting: undefined, participant: undefined }),
      "the token names no meeting and no participant",
    ],
  ])("is refused with %s", async (_what, make, message) => {
    await start();
    expect(await refusal(await make())).toMatchObject({
      message,
      data: { code: "unauthenticated", error: message, retryable: false },
    });
  });

  it("may try again when checking its token throws", async () => {
    await start({
      verify: async () => {
        throw new Error("a bug");
      },
    });
    expect(await refusal("token")).toMatchObject({ message: "internal fault", data: { retryable: true } });
  });

  it("may try again when the keys cannot be had", async () => {
    await start({ verify: async () => retryable("unavailable", "no keys") });
    expect(await refusal("token")).toMatchObject({ message: "no keys", data: { retryable: true } });
  });

  it("is refused from another origin, of which the operator is told once, and taken from one that is named", async () => {
    await start({ origins: ["https://app.example.com"] });
    const token = await world.token();
    for (let round = 0; round < 2; round++) {
      expect(await refusal(token, { extraHeaders: { origin: "https://evil.example.com" } })).toMatchObject({
        message: "websocket error",
      });
    }
    expect(world.reports).toEqual([
      'pages of "https://evil.example.com" may not connect: BRIDGE_ORIGINS does not name them',
    ]);
    await world.page({}, { extraHeaders: { origin: "https://app.example.com" } });
  });

  it("is refused without a websocket: there is no polling", async () => {
    await start();
    const answer = await fetch(`${world.origin}/socket.io/?EIO=4&transport=polling`);
    expect([answer.status, await answer.json()]).toEqual([400, { code: 0, message: "Transport unknown" }]);
  });

  it("is told its config, and again when it changes", async () => {
    await start();
    const socket = world.socket("/webrtc", await world.token());
    expect(await nextEvent(socket, "config")).toMatchObject({ enabled: true });
    const next = nextEvent(socket, "config");
    world.bridge.configure({ enabled: false, statsIntervalMillis: 500, emitThrottleMillis: 0, worker: false });
    expect(await next).toEqual({ enabled: false, statsIntervalMillis: 500, emitThrottleMillis: 0, worker: false });
  });

  it("is disconnected when its token expires, by the server, so that it asks for another", async () => {
    const clock = new FakeClock(NOW_MILLIS);
    await start({ clock });
    const socket = await world.page({ expiresInSeconds: 60 });
    const gone = nextEvent<string>(socket, "disconnect");
    await clock.advance(59_000);
    expect(socket.connected).toBe(true);
    await clock.advance(1000);
    expect(await gone).toBe("io server disconnect");
  });

  it("makes the oldest connection of its participant give way when there are too many", async () => {
    await start({ limits: { maxConnectionsPerParticipant: 2 } });
    const oldest = await world.page();
    const gone = nextEvent<string>(oldest, "disconnect");
    const second = await world.page();
    await world.page({ participant: "somebody else" });
    await world.page();
    expect(await gone).toBe("io server disconnect");
    expect(second.connected).toBe(true);
  });
});

describe("an event of a page", () => {
  it("is passed on as it came, under the identity of the token, and acknowledged", async () => {
    const clock = new FakeClock(NOW_MILLIS);
    await start({ clock });
    const page = await world.page({ meeting: "standup", participant: "ann" });
    expect(await sendMetrics(page, BODY)).toEqual({ ok: true });
    const [{ request, identity }] = world.taken as [(typeof world.taken)[0]];
    expect(identity).toEqual({ meeting: "standup", participant: "ann" });
    expect(request).toMatchObject({ contentType: "protobuf", encoding: "identity", receivedAtMillis: NOW_MILLIS });
    expect(Buffer.compare(request.body, BODY)).toBe(0);
  });

  it("is passed on with the tenant that its token names, if it names one", async () => {
    await start();
    for (const tenant of [undefined, "team"]) {
      const page = await world.page({ tenant });
      await sendMetrics(page, BODY);
    }
    expect(world.taken.map(({ request }) => request.tenant)).toEqual([undefined, "team"]);
  });

  it("is known to be gzip by its first bytes", async () => {
    await start({ take: async ({ encoding }) => success({ rejectedPoints: 1, message: encoding }) });
    expect(await sendMetrics(await world.page(), gzipSync(BODY))).toEqual({
      ok: true,
      rejectedPoints: 1,
      message: "gzip",
    });
  });

  it.each<[string, unknown]>([
    ["text", "text"],
    ["an object", { a: 1 }],
    ["nothing", undefined],
  ])("that is %s instead of bytes is refused for good", async (_what, body) => {
    await start();
    expect(await sendMetrics(await world.page(), body)).toEqual({
      error: "expected metrics as binary OTLP",
      retryable: false,
    });
  });

  it.each<[string, Result<OtlpAcceptance>, boolean]>([
    ["that cannot be read is refused for good", failure("invalid", "why"), false],
    ["that is too large inside is refused for good", failure("too_large", "why"), false],
    ["may be sent again when the log is full", retryable("overloaded", "why"), true],
    ["may be sent again when the log is out of reach", retryable("unavailable", "why"), true],
    ["may be sent again after a fault of ours", failure("internal", "why"), true],
  ])("%s", async (_what, result, again) => {
    await start({ take: async () => result });
    expect(await sendMetrics(await world.page(), BODY)).toEqual({ error: "why", retryable: again });
  });

  it("may be sent again when taking it in throws, which is reported", async () => {
    await start({
      take: async () => {
        throw new Error("a bug");
      },
    });
    expect(await sendMetrics(await world.page(), BODY)).toEqual({ error: "internal fault", retryable: true });
    expect(world.reports).toEqual(["the bridge failed: a bug"]);
  });

  it("above the limit is refused; far above it the connection ends", async () => {
    await start({ limits: { maxEventBytes: 1000 } });
    const page = await world.page();
    expect(await sendMetrics(page, Buffer.alloc(1001, 0x0a))).toEqual({
      error: "the event is larger than 1000 bytes",
      retryable: false,
    });
    const gone = nextEvent<string>(page, "disconnect");
    page.emit("metrics", Buffer.alloc(100_000, 0x0a));
    expect(await gone).toBe("transport close");
    expect(world.taken).toEqual([]);
  });

  it("counts for its participant, over all of their connections, and not for others", async () => {
    const clock = new FakeClock(NOW_MILLIS);
    await start({ clock, limits: { maxEventsPerMinute: 3 } });
    const [first, second] = [await world.page(), await world.page()];
    for (const page of [first, second, first]) expect(await sendMetrics(page, BODY)).toEqual({ ok: true });
    const refused = { error: "the participant sends more events a minute than allowed", retryable: true };
    expect(await sendMetrics(second, BODY)).toEqual(refused);
    second.disconnect();
    expect(await sendMetrics(await world.page(), BODY)).toEqual(refused);
    expect(await sendMetrics(await world.page({ participant: "q" }), BODY)).toEqual({ ok: true });
    await clock.advance(60_000);
    expect(await sendMetrics(first, BODY)).toEqual({ ok: true });
  });

  it("with more series than a participant may have is refused for good", async () => {
    await start({ limits: { maxSeries: 4 } });
    const page = await world.page();
    const series = (...names: string[]): Buffer =>
      Buffer.from(otlpRequest([{ metrics: names.map((name) => packets(1n, { name })) }]));
    expect(await sendMetrics(page, series("a", "b", "c"))).toEqual({ ok: true });
    expect(await sendMetrics(page, series("a", "b", "c"))).toEqual({ ok: true });
    expect(await sendMetrics(page, series("d"))).toEqual({
      error: "there are more than 4 different series and scopes of this participant in an hour",
      retryable: false,
    });
  });

  it("waits for at most three others of its connection", async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await start({ take: () => finished.then(() => success({ rejectedPoints: 0, message: "" })) });
    const page = await world.page();
    const waiting = Array.from({ length: 4 }, () => sendMetrics(page, BODY));
    expect(await sendMetrics(page, BODY)).toEqual({ error: "too many events wait for their answer", retryable: true });
    finish();
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 4 }, () => ({ ok: true })));
  });

  it("is taken without an acknowledgement, too, and events of other names are ignored", async () => {
    await start();
    const page = await world.page();
    page.emit("unknown", 1);
    page.emit("metrics", BODY);
    await vi.waitFor(() => expect(world.taken.length).toBe(1));
    expect(page.connected).toBe(true);
  });
});

describe("a page that does not speak Socket.IO", () => {
  it.each(["9", "2[", '2["disconnect"]', "5999-[]", '51-["metrics",{"_placeholder":true,"num":7}]'])(
    "is cut off after %s, and nothing is printed",
    async (packet) => {
      await start();
      const printed = vi.spyOn(console, "error");
      const page = await world.page();
      const gone = nextEvent<string>(page, "disconnect");
      const namespaced = packet.replace(/^(\d+-|\d)(.*)$/, "$1/webrtc,$2");
      const { transport } = page.io.engine as unknown as { transport: { ws: { send(data: unknown): void } } };
      transport.ws.send(`4${namespaced}`);
      transport.ws.send(Buffer.of(1));
      expect(await gone).toMatch(/transport close/);
      expect(printed).not.toHaveBeenCalled();
      printed.mockRestore();
    },
  );
});

describe("a page that floods the bridge", () => {
  it("is cut off, whatever it sends", async () => {
    await start({ limits: { maxEventsPerMinute: 10 } });
    const page = await world.page();
    const gone = nextEvent<string>(page, "disconnect");
    for (let count = 0; count <= 100; count++) page.emit("unknown");
    expect(await gone).toBe("transport close");
  });
});

describe("a page that leaves the namespace", () => {
  it("loses its connection, with which it would escape the limits and the end of its token", async () => {
    await start();
    const page = await world.page();
    const gone = new Promise((resolve) => void page.io.once("close", resolve));
    const { transport } = page.io.engine as unknown as { transport: { ws: { send(data: unknown): void } } };
    transport.ws.send("41/webrtc,");
    expect(await gone).toBe("transport close");
  });

  it("is cut off when it does not answer the farewell", async () => {
    const clock = new FakeClock(NOW_MILLIS);
    await start({ clock });
    const { transport } = (await world.page()).io.engine as unknown as {
      transport: { ws: { send(data: unknown): void; pause(): void } };
    };
    transport.ws.pause();
    transport.ws.send("41/webrtc,");
    await vi.waitFor(async () => {
      await clock.advance(500);
      expect(await world.connections()).toBe(0);
    });
  });
});

describe("a bridge that shuts down", () => {
  it("answers what is under way, refuses what comes later, and lets pages come back by themselves", async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await start({ take: () => finished.then(() => success({ rejectedPoints: 0, message: "" })) });
    const page = await world.page();
    const underWay = sendMetrics(page, BODY);
    const second = sendMetrics(page, BODY);
    await vi.waitFor(() => expect(page.connected).toBe(true));
    // A further event is answered only after those before it were read.
    await sendMetrics(page, "no bytes");
    const gone = nextEvent<string>(page, "disconnect");
    const closed = world.bridge.close(5000);
    expect(await sendMetrics(page, BODY)).toEqual({ error: "the receiver is shutting down", retryable: true });
    expect(await refusal(await world.token())).toMatchObject({ message: "websocket error" });
    finish();
    expect([await underWay, await second]).toEqual([{ ok: true }, { ok: true }]);
    await closed;
    // Not "io server disconnect", after which a client stays away.
    expect(await gone).toBe("transport close");
  });

  it("waits no longer than it may", async () => {
    const clock = new FakeClock(NOW_MILLIS);
    await start({ clock, take: () => new Promise(() => undefined) });
    const page = await world.page();
    page.emit("metrics", BODY);
    await sendMetrics(page, "no bytes");
    const closed = world.bridge.close(5000);
    await clock.advance(5000);
    await closed;
  });
});
