import fc from "fast-check";
import { expect, it } from "vitest";
import { EventRate } from "../../src/bridge/event-rate.ts";

const MINUTE = 60_000;

it("lets no more than its limit through in any minute, and refuses nothing below it", () => {
  const steps = fc.array(fc.nat({ max: 20_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), steps, (limit, gaps) => {
      const rate = new EventRate(limit);
      const taken: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const inMinute = taken.filter((time) => time > now - MINUTE).length;
        expect(rate.take(now)).toBe(inMinute < limit);
        if (inMinute < limit) taken.push(now);
      }
    }),
  );
});
