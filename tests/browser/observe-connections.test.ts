import { afterEach, describe, expect, it } from "vitest";
import { observeConnections } from "../../src/browser/observe-connections.ts";
import type { PeerConnection } from "../../src/browser/stats-poller.ts";

/** Stands for the browser's class. */
class FakePeerConnection implements PeerConnection {
  static generateCertificate(): string {
    return "certificate";
  }
  readonly configuration: unknown;
  constructor(configuration?: unknown) {
    if (configuration === "bad") throw new TypeError("bad configuration");
    this.configuration = configuration;
  }
  async getStats(): Promise<ReadonlyMap<string, unknown>> {
    return new Map();
  }
}

const globals = globalThis as { RTCPeerConnection?: typeof FakePeerConnection };
afterEach(() => {
  delete globals.RTCPeerConnection;
});

describe("observing connections", () => {
  it("finds each that is made, and changes nothing that a page can see", () => {
    globals.RTCPeerConnection = FakePeerConnection;
    const found: PeerConnection[] = [];
    const stop = observeConnections((connection) => void found.push(connection));
    const Observed = globals.RTCPeerConnection;
    class Extended extends Observed {
      readonly extra = 1;
    }
    const plain = new Observed({ iceServers: [] });
    const extended = new Extended();
    expect(found).toEqual([plain, extended]);
    expect(plain.configuration).toEqual({ iceServers: [] });
    expect(plain).toBeInstanceOf(FakePeerConnection);
    expect(plain).toBeInstanceOf(Observed);
    expect(extended).toBeInstanceOf(Extended);
    expect(plain.constructor).toBe(FakePeerConnection);
    expect(Observed.generateCertificate()).toBe("certificate");
    expect(Observed.name).toBe("FakePeerConnection");
    expect(() => new Observed("bad")).toThrow("bad configuration");
    stop();
    expect(globals.RTCPeerConnection).toBe(FakePeerConnection);
    void new Observed();
    expect(found).toHaveLength(2);
  });

  it("gives the page its connection whatever happens to be wrong here", () => {
    globals.RTCPeerConnection = FakePeerConnection;
    observeConnections(() => {
      throw new Error("ours");
    });
    expect(new globals.RTCPeerConnection()).toBeInstanceOf(FakePeerConnection);
  });

  it("leaves another's replacement where it is when it stops", () => {
    globals.RTCPeerConnection = FakePeerConnection;
    const stop = observeConnections(() => undefined);
    const another = class extends FakePeerConnection {};
    globals.RTCPeerConnection = another;
    stop();
    expect(globals.RTCPeerConnection).toBe(another);
  });

  it("does nothing where there are no connections", () => {
    observeConnections(() => undefined)();
    expect("RTCPeerConnection" in globals).toBe(false);
  });
});
