/** A page whose token names another meeting, participant or tenant than before, against a bridge that adds up what it is told. */
import { describe, expect, it } from "vitest";
import type { BridgeConnection, BridgeHooks } from "../../src/browser/bridge-connection.ts";
import { MAX_LEAVING, MonitorEngine } from "../../src/browser/monitor-engine.ts";
import { tokenIdentity } from "../../src/browser/token-identity.ts";
import { type Result, retryable, success } from "../../src/model/result.ts";
import { RequestType } from "../otlp/otlp-proto.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { exportedSeries } from "./exported-series.ts";
import { at, FollowedPage } from "./reports.ts";

const base64Url = (text: string): string => Buffer.from(text).toString("base64url");
const tokenOf = (meeting: string, participant = "ann", exp = 1, tenant?: string | null): string =>
  `${base64Url('{"alg":"HS256"}')}.${base64Url(JSON.stringify({ meeting, participant, exp, tenant }))}.signature`;
/** What the bridge counts under: not what the page takes for it. */
const keyOf = (meeting: string, participant = "ann", tenant = ""): string => `${tenant}/${meeting}/${participant}`;

function identityOf(token: string | undefined): string | undefined {
  if (tokenIdentity(token) === undefined) return undefined;
  const claims = JSON.parse(Buffer.from(token!.split(".")[1]!, "base64url").toString()) as Record<string, string>;
  return keyOf(claims["meeting"]!, claims["participant"], claims["tenant"] ?? "");
}

function instanceOf(body: Uint8Array): string {
  const { resourceMetrics } = RequestType.toObject(RequestType.decode(body)) as {
    resourceMetrics: { resource: { attributes: { key: string; value: { stringValue: string } }[] } }[];
  };
  const { attributes } = resourceMetrics[0]!.resource;
  return attributes.find(({ key }) => key === "service.instance.id")!.value.stringValue;
}

/** One connection of the page's: takes the identity of the token that it was opened with. */
class FakeBridge implements BridgeConnection {
  readonly hooks: BridgeHooks;
  readonly #world: IdentityWorld;
  identity: string | undefined;
  closed = false;
  #opening: Promise<void> | undefined;

  constructor(world: IdentityWorld, hooks: BridgeHooks) {
    this.#world = world;
    this.hooks = hooks;
    void this.hurry();
  }

  isConnected(): boolean {
    return this.identity !== undefined;
  }

  async hurry(): Promise<void> {
    this.#opening ??= this.#open();
    await this.#opening;
  }

  lose(): void {
    this.identity = undefined;
    this.#opening = undefined;
  }

  async send(body: Uint8Array): Promise<Result<void>> {
    if (this.identity === undefined || this.#world.isBusy()) return retryable("unavailable", "not now");
    this.#world.take(this.identity, body);
    return success(undefined);
  }

  close(): void {
    this.lose();
    this.closed = true;
  }

  async #open(): Promise<void> {
    const token = await this.hooks.token();
    if (this.#world.accepts(token)) this.identity = identityOf(token);
    else this.#opening = undefined;
  }
}

/** A page with one call that sends 1,000 bytes a second. */
class IdentityWorld {
  readonly clock = new FakeClock(0);
  readonly bridges: FakeBridge[] = [];
  readonly instances = new Set<string>();
  token: string | undefined = tokenOf("A");
  accepts = (_token: string | undefined): boolean => true;
  isBusy = (): boolean => false;
  /** The newest value of each series of each stream, as the receiver knows it. */
  readonly #streams = new Map<string, { identity: string; bytes: number }>();
  readonly #page = new FollowedPage();
  readonly engine: MonitorEngine;
  #instances = 0;

  constructor() {
    this.engine = new MonitorEngine({
      clock: this.clock,
      random: () => 0.5,
      newInstanceId: () => `later-${(this.#instances += 1)}`,
      post: ({ kind }) => {
        if (kind === "tick") this.#answer();
        if (kind === "token") queueMicrotask(() => this.engine.handle({ kind: "token", token: this.token }));
      },
      connect: (_url, hooks) => {
        const bridge = new FakeBridge(this, hooks);
        this.bridges.push(bridge);
        return bridge;
      },
    });
    this.engine.handle({
      kind: "start",
      settings: {
        url: "https://bridge.example",
        resourceAttributes: { "service.name": "meeting", "service.instance.id": "first" },
        statsIntervalMillis: 1_000,
        emitThrottleMillis: 10_000,
      },
    });
  }

  take(identity: string, body: Uint8Array): void {
    const instance = instanceOf(body);
    this.instances.add(instance);
    for (const [series, bytes] of exportedSeries(body, true)) {
      if (!series.startsWith("webrtc.io{")) continue;
      this.#streams.set(`${identity} ${instance} ${series}`, { identity, bytes });
    }
  }

  /** Bytes by identity, as they are billed. */
  totals(): Record<string, number> {
    const totals: Record<string, number> = {};
    for (const { identity, bytes } of this.#streams.values()) totals[identity] = (totals[identity] ?? 0) + bytes;
    return totals;
  }

  /** The connection is lost and made again, with whatever token the page gives now. */
  async reconnect(token: string | undefined): Promise<void> {
    this.token = token;
    const bridge = this.bridges.at(-1)!;
    bridge.lose();
    await bridge.hurry();
    await settled();
  }

  async stop(): Promise<void> {
    this.engine.handle({ kind: "stop" });
    await settled();
  }

  #answer(): void {
    const second = this.clock.monotonicMillis() / 1_000;
    const entries = [
      { id: "T", type: "transport", selectedCandidatePairId: "P", bytesSent: second * 1_000, bytesReceived: 0 },
      { id: "P", type: "candidate-pair", transportId: "T" },
    ];
    this.engine.handle({ kind: "reports", reports: [{ connection: 1, report: this.#page.post(at(second, entries)) }] });
    this.engine.handle({ kind: "ticked" });
  }
}

describe("a page whose token is for another meeting than before", () => {
  it("tells each meeting its own traffic, all of it once", async () => {
    const world = new IdentityWorld();
    await world.clock.advance(15_000);
    expect(world.totals()).toEqual({ [keyOf("A")]: 9_000 });
    await world.reconnect(tokenOf("B"));
    expect(world.totals()).toEqual({ [keyOf("A")]: 14_000 });
    await world.clock.advance(6_000);
    await world.stop();
    expect(world.totals()).toEqual({ [keyOf("A")]: 14_000, [keyOf("B")]: 6_000 });
    expect(world.instances).toEqual(new Set(["first", "later-1"]));
    expect(world.bridges.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it("and so does one that is for another participant, and one that comes back", async () => {
    const world = new IdentityWorld();
    await world.clock.advance(5_000);
    await world.reconnect(tokenOf("A", "änn"));
    await world.clock.advance(5_000);
    await world.reconnect(tokenOf("A"));
    await world.clock.advance(5_000);
    await world.stop();
    expect(world.totals()).toEqual({ [keyOf("A")]: 9_000, [keyOf("A", "änn")]: 5_000 });
  });

  it("and so does one whose tenant alone is another, or is named from now on", async () => {
    const world = new IdentityWorld();
    await world.clock.advance(5_000);
    await world.reconnect(tokenOf("A", "ann", 1, "shop"));
    await world.clock.advance(5_000);
    await world.reconnect(tokenOf("A", "ann", 2, "shop"));
    await world.clock.advance(5_000);
    await world.reconnect(tokenOf("A", "ann", 1, "bank"));
    await world.clock.advance(5_000);
    await world.stop();
    expect(world.totals()).toEqual({
      [keyOf("A")]: 4_000,
      [keyOf("A", "ann", "shop")]: 10_000,
      [keyOf("A", "ann", "bank")]: 5_000,
    });
    expect(world.instances).toEqual(new Set(["first", "later-1", "later-2"]));
  });

  it("tells the new one nothing of the old one where the old token is refused", async () => {
    const world = new IdentityWorld();
    await world.clock.advance(15_000);
    world.accepts = (token) => token !== tokenOf("A");
    await world.reconnect(tokenOf("B"));
    await world.clock.advance(60_000);
    await world.stop();
    expect(world.totals()).toEqual({ [keyOf("A")]: 9_000, [keyOf("B")]: 60_000 });
    expect(world.bridges.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it("tries again to tell the old one its rest", async () => {
    const world = new IdentityWorld();
    await world.clock.advance(15_000);
    let busyTimes = 2;
    world.isBusy = () => busyTimes-- > 0;
    await world.reconnect(tokenOf("B"));
    expect(world.totals()).toEqual({ [keyOf("A")]: 9_000 });
    await world.clock.advance(5_000);
    expect(world.totals()).toEqual({ [keyOf("A")]: 14_000 });
  });

  it("keeps few connections open for what is left of old ones, whatever the page's tokens say", async () => {
    const world = new IdentityWorld();
    world.isBusy = () => true;
    world.bridges[0]!.hooks.onConfig({ statsIntervalMillis: 100 });
    await world.clock.advance(1_000);
    for (let meeting = 0; meeting < 10; meeting += 1) {
      await world.clock.advance(100);
      await world.reconnect(tokenOf(`meeting ${meeting}`));
    }
    expect(world.bridges).toHaveLength(11);
    // The newest of those that were left, and the one in use.
    expect(world.bridges.map(({ closed }) => closed)).toEqual(
      world.bridges.map((_, index) => index < 10 - MAX_LEAVING),
    );
  });

  it("uses the old token to the end where the page stops", async () => {
    const world = new IdentityWorld();
    await world.clock.advance(5_000);
    world.bridges[0]!.lose();
    world.token = tokenOf("B");
    await world.stop();
    expect(world.totals()).toEqual({ [keyOf("A")]: 4_000 });
  });

  it("keeps the interval that the bridge has set", async () => {
    const world = new IdentityWorld();
    world.bridges[0]!.hooks.onConfig({ emitThrottleMillis: 2_000 });
    await world.clock.advance(5_000);
    await world.reconnect(tokenOf("B"));
    await world.clock.advance(2_000);
    expect(world.totals()[keyOf("B")]).toBe(2_000);
  });
});

describe("a token that says nothing new", () => {
  it("changes nothing: a fresh one, none, and one that cannot be read", async () => {
    const world = new IdentityWorld();
    const noTenant = tokenOf("A", "ann", 2, null);
    const others = [undefined, "not.a-token.", "no token", `x.${base64Url("{}")}.y`, noTenant];
    for (const token of [tokenOf("A", "ann", 2), ...others]) {
      await world.clock.advance(3_000);
      await world.reconnect(token);
    }
    await world.reconnect(tokenOf("A", "ann", 3));
    await world.stop();
    expect(world.totals()).toEqual({ [keyOf("A")]: 17_000 });
    expect(world.instances).toEqual(new Set(["first"]));
    expect(world.bridges).toHaveLength(1);
  });
});
