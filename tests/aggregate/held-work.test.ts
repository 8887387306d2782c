/** A lease is kept while its owner waits, and no longer than is good. */
import { describe, expect, it } from "vitest";
import { whileHeld } from "../../src/aggregate/held-work.ts";
import type { LeaseView } from "../../src/model/shard-lease.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

const LEASE = 4000;

/** A lease that expires by the clock, and counts how often it was renewed. */
class ExpiringLease {
  readonly clock = new FakeClock(0);
  renewals = 0;
  expiresAtMillis = LEASE;
  isTaken = false;
  /** Until when this receiver is seen among those that stand for the shard. */
  standsUntilMillis = LEASE;
  taken = 0;

  async stand(ttlMillis: number): Promise<LeaseView> {
    const now = this.clock.monotonicMillis();
    this.standsUntilMillis = now + ttlMillis;
    const state = this.isTaken ? "taken" : now < this.expiresAtMillis ? "held" : "free";
    if (state === "held") this.#renew(ttlMillis);
    return { state, candidates: ["me"] };
  }

  async hold(ttlMillis: number): Promise<boolean> {
    if (this.isTaken) return false;
    this.taken += 1;
    this.#renew(ttlMillis);
    return true;
  }

  #renew(ttlMillis: number): void {
    this.renewals += 1;
    this.expiresAtMillis = this.clock.monotonicMillis() + ttlMillis;
  }

  /** Lets time pass in small steps; whether the lease was held all the time. */
  async pass(millis: number): Promise<boolean> {
    let isHeld = true;
    for (let passed = 0; passed < millis; passed += 500) {
      await this.clock.advance(500);
      await settled();
      isHeld &&= this.clock.monotonicMillis() < this.expiresAtMillis;
    }
    return isHeld;
  }
}

function begun(lease: ExpiringLease): { readonly work: PromiseWithResolvers<string>; readonly done: Promise<string> } {
  const work = Promise.withResolvers<string>();
  const options = { lease, clock: lease.clock, leaseMillis: LEASE };
  return { work, done: whileHeld(options, () => work.promise) };
}

describe("whileHeld", () => {
  it("keeps the lease for as long as the work takes, and lets it be after that", async () => {
    const lease = new ExpiringLease();
    const { work, done } = begun(lease);
    expect(await lease.pass(30_000)).toBe(true);
    work.resolve("committed");
    expect(await done).toBe("committed");
    const { renewals } = lease;
    await lease.pass(10_000);
    expect(lease.renewals).toBe(renewals);
  });

  it("is seen among those that stand for the shard, so that none has another list of them for it", async () => {
    const lease = new ExpiringLease();
    const { work, done } = begun(lease);
    await lease.pass(3 * LEASE);
    expect(lease.standsUntilMillis).toBeGreaterThan(lease.clock.monotonicMillis());
    work.resolve("committed");
    await done;
  });

  it("takes a lease back that ran out and that nobody has taken", async () => {
    const lease = new ExpiringLease();
    const { work, done } = begun(lease);
    lease.expiresAtMillis = 0;
    expect(await lease.pass(LEASE / 4)).toBe(false);
    expect(await lease.pass(2 * LEASE)).toBe(true);
    expect(lease.taken).toBe(1);
    work.resolve("committed");
    await done;
  });

  it("lets the lease expire when the work takes more than a minute", async () => {
    const lease = new ExpiringLease();
    const { work, done } = begun(lease);
    expect(await lease.pass(59_000)).toBe(true);
    expect(await lease.pass(10_000)).toBe(false);
    work.resolve("late");
    expect(await done).toBe("late");
  });

  it("asks no more for a lease that another has", async () => {
    const lease = new ExpiringLease();
    const { work, done } = begun(lease);
    await lease.pass(2000);
    lease.isTaken = true;
    await lease.pass(2000);
    lease.isTaken = false;
    const { renewals } = lease;
    await lease.pass(5000);
    expect(lease.renewals).toBe(renewals);
    work.resolve("refused");
    expect(await done).toBe("refused");
  });

  it("fails as the work does", async () => {
    const lease = new ExpiringLease();
    const { work, done } = begun(lease);
    work.reject(new Error("SQL is away"));
    await expect(done).rejects.toThrow("SQL is away");
    await lease.pass(5000);
    expect(lease.renewals).toBe(0);
  });
});
