import { describe, expect, it } from "vitest";
import { LEASE_MILLIS, ShardClaim } from "../../src/aggregate/shard-claim.ts";
import type { LeaseView } from "../../src/model/shard-lease.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** A lease that says what it is told to, and can be had whenever it is free. */
interface Claimed {
  readonly clock: FakeClock;
  readonly claim: ShardClaim;
  state: LeaseView["state"];
}

function claimed(isOurs: (candidates: readonly string[]) => boolean): Claimed {
  const clock = new FakeClock(0);
  const world: Claimed = {
    clock,
    state: "free",
    claim: new ShardClaim({
      clock,
      isOurs,
      lease: {
        stand: async () => ({ state: world.state, candidates: ["a", "b"] }),
        hold: async () => {
          if (world.state === "taken") return false;
          world.state = "held";
          return true;
        },
        handOver: async () => undefined,
        release: async () => undefined,
      },
    }),
  };
  return world;
}

describe("a claim to a shard", () => {
  it("takes a free shard that is to be ours at once, and keeps it", async () => {
    const world = claimed(() => true);
    expect([await world.claim.look(), await world.claim.look()]).toEqual(["own", "own"]);
  });

  it("leaves alone what another has, and says what nobody can be asked about", async () => {
    const world = claimed(() => true);
    world.state = "taken";
    expect(await world.claim.look()).toBe("leave");
    world.state = "unknown";
    expect(await world.claim.look()).toBe("unsure");
  });

  it("hands over what is held and is to be another's", async () => {
    let isOurs = true;
    const world = claimed(() => isOurs);
    await world.claim.look();
    isOurs = false;
    expect(await world.claim.look()).toBe("hand over");
  });

  it("takes what is to be another's only when it stays free, and keeps it for a while then", async () => {
    const world = claimed(() => false);
    expect(await world.claim.look()).toBe("leave");
    await world.clock.advance(2 * LEASE_MILLIS - 1);
    expect(await world.claim.look()).toBe("leave");
    world.state = "taken";
    await world.claim.look();
    world.state = "free";
    await world.clock.advance(1);
    expect(await world.claim.look()).toBe("leave");
    await world.clock.advance(2 * LEASE_MILLIS);
    expect([await world.claim.look(), await world.claim.look()]).toEqual(["own", "own"]);
    await world.clock.advance(2 * LEASE_MILLIS);
    expect(await world.claim.look()).toBe("hand over");
  });
});
