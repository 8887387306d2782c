import { afterEach, describe, expect, it, vi } from "vitest";
import { success } from "../../src/model/result.ts";
import { connected, nextEvent } from "../support/bridge-client.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { BridgeWorld, type WorldChanges } from "./bridge-world.ts";

let world: BridgeWorld;
let figures: { at: number; value: number | string };

async function start(changes: WorldChanges = {}): Promise<void> {
  figures = { at: 1, value: 1 };
  world = await BridgeWorld.start({ live: async () => success(figures), ...changes });
}
afterEach(() => world.close());

const adminToken = (expiresInSeconds: number = 3600): Promise<string> =>
  world.token({ role: "admin", meeting: undefined, participant: undefined, expiresInSeconds });

describe("an admin", () => {
  it("gets the figures on connecting and when they have changed", async () => {
    await start();
    const admin = world.socket("/admin", await adminToken());
    expect(await nextEvent(admin, "live")).toEqual({ at: 1, value: 1 });
    figures = { at: 2, value: 2 };
    expect(await nextEvent(admin, "live")).toEqual({ at: 2, value: 2 });
  });

  it("is told at once when alerts change", async () => {
    await start({ broadcastThrottleMillis: 60_000 });
    const admin = world.socket("/admin", await adminToken());
    await nextEvent(admin, "live");
    figures = { at: 2, value: 2 };
    world.bridge.alertsChanged();
    expect(await nextEvent(admin, "live")).toEqual({ at: 2, value: 2 });
  });

  it.each<[string, () => unknown, string]>([
    ["a participant's token", () => world.token(), "the token's role is not admin"],
    ["no token", () => undefined, "there is no token"],
    ["a token that has expired", () => adminToken(-1), "the token has expired"],
  ])("is none with %s", async (_what, make, message) => {
    await start();
    await expect(connected(world.socket("/admin", await make()))).rejects.toMatchObject({
      message,
      data: { code: "unauthenticated", retryable: false },
    });
  });

  it("is disconnected when the token expires, and gets nothing after it", async () => {
    const clock = new FakeClock(1_800_000_000_000);
    await start({ clock });
    const admin = world.socket("/admin", await adminToken(60));
    let received = 0;
    admin.on("live", () => (received += 1));
    await connected(admin);
    const gone = nextEvent<string>(admin, "disconnect");
    figures = { at: 2, value: 2 };
    await clock.advance(60_000);
    expect(await gone).toBe("io server disconnect");
    const before = received;
    world.bridge.alertsChanged();
    await clock.advance(60_000);
    expect(received).toBe(before);
  });

  it("who leaves the namespace loses the connection", async () => {
    await start();
    const admin = world.socket("/admin", await adminToken());
    await connected(admin);
    const gone = new Promise((resolve) => void admin.io.once("close", resolve));
    const { transport } = admin.io.engine as unknown as { transport: { ws: { send(data: unknown): void } } };
    transport.ws.send("41/admin,");
    expect(await gone).toBe("transport close");
  });

  it("who floods the bridge is cut off", async () => {
    await start({ limits: { maxEventsPerMinute: 10 } });
    const admin = world.socket("/admin", await adminToken());
    await connected(admin);
    const gone = nextEvent<string>(admin, "disconnect");
    for (let count = 0; count <= 100; count++) admin.emit("unknown");
    expect(await gone).toBe("transport close");
  });

  it("who does not read is sent one message that waits, not a queue", async () => {
    await start({ broadcastThrottleMillis: 1000 });
    const admin = world.socket("/admin", await adminToken());
    await nextEvent(admin, "live");
    const engine = admin.io.engine as unknown as { transport: { ws: { pause(): void; resume(): void } } };
    engine.transport.ws.pause();
    const received: unknown[] = [];
    admin.on("live", ({ value }: { value: string }) => void received.push(value.slice(0, 3)));
    // Each is larger than what the kernel buffers of a connection that is not read.
    for (let round = 1; round <= 30; round++) {
      figures = { at: round, value: `${String(round).padStart(3, "0")}${"x".repeat(1_000_000)}` };
      world.bridge.alertsChanged();
      await new Promise((resolve) => void setImmediate(resolve));
    }
    engine.transport.ws.resume();
    await vi.waitFor(() => expect(received.at(-1)).toBe("030"), { timeout: 10_000 });
    expect(received.length).toBeLessThan(30);
  });
});
