import fc from "fast-check";
import { expect, test } from "vitest";
import { TenantRate } from "../../src/receive/tenant-rate.ts";

const steps = fc.array(fc.record({ waitMillis: fc.nat(90_000), amount: fc.integer({ min: 1, max: 500 }) }), {
  minLength: 1,
  maxLength: 60,
});

test("over any time no more is taken than its allowance, one more and the largest request", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), steps, (perMinute, given) => {
      const rate = new TenantRate();
      const taken: { readonly atMillis: number; readonly amount: number }[] = [];
      let now = 0;
      for (const { waitMillis, amount } of given) {
        now += waitMillis;
        if (rate.waitMillis(perMinute, now) > 0) continue;
        rate.take(amount, perMinute, now);
        taken.push({ atMillis: now, amount });
      }
      const largest = Math.max(...given.map(({ amount }) => amount));
      for (const [first, { atMillis: from }] of taken.entries()) {
        let sum = 0;
        for (const { atMillis, amount } of taken.slice(first)) {
          sum += amount;
          expect(sum).toBeLessThanOrEqual(perMinute * ((atMillis - from) / 60_000 + 1) + largest + 1e-6);
        }
      }
    }),
  );
});

test("whoever waits as long as it is told is taken, however large its last request was", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 1_000_000 }), (perMinute, amount) => {
      const rate = new TenantRate();
      rate.take(amount, perMinute, 0);
      const wait = rate.waitMillis(perMinute, 0);
      expect(wait > 0).toBe(amount >= perMinute);
      expect(rate.waitMillis(perMinute, wait + 1)).toBe(0);
    }),
  );
});

test("what is given back was never taken", () => {
  const rate = new TenantRate();
  rate.take(7, 10, 0);
  rate.take(5, 10, 0);
  expect(rate.waitMillis(10, 0)).toBeGreaterThan(0);
  rate.take(-5, 10, 0);
  expect([rate.waitMillis(10, 0), rate.level(10, 0)]).toEqual([0, 7]);
});

test("without a limit nothing is counted", () => {
  const rate = new TenantRate();
  rate.take(1e12, Infinity, 0);
  expect([rate.waitMillis(Infinity, 0), rate.waitMillis(1, 0)]).toEqual([0, 0]);
});
