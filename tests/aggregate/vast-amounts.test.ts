/** Credible steps that add up past 64 bits: the shard goes on, the totals stay whole, the excess is in quarantine. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { otlpRequest, type TestMetric } from "../support/otlp-request.ts";
import { cumulative, OwnerWorlds, PERSIST, type OwnerWorld } from "./owner-world.ts";

const LARGEST = 2n ** 50n;
const worlds = new OwnerWorlds();
beforeAll(() => worlds.prepare());
afterAll(() => worlds.remove());

/** So many deltas of the largest amount, all different, of one series. */
function vast(world: OwnerWorld, count: number): Uint8Array {
  const time = BigInt(world.clock.nowMillis()) * 1_000_000n;
  const sum = Array.from({ length: count }, (_, index) => ({
    attributes: { "network.io.direction": "transmit" },
    start: time - BigInt(index + 2),
    time: time - 1n,
    value: LARGEST,
  }));
  const metric: TestMetric = { name: "bandwidth.http.server.io", unit: "By", temporality: "delta", sum };
  return otlpRequest([{ metrics: [metric] }]);
}

it("thousands of the largest increments do not stop a shard", async () => {
  const world = worlds.make();
  const owner = await world.started();
  let good = 0n;
  for (let round = 0; round < 4; round += 1) {
    await world.append(vast(world, 4000));
    good += 1000n;
    await world.append(cumulative(world, good));
    await world.clock.advance(PERSIST);
  }
  // 8191 of them fit 64 bits: two rounds of 4000; what more comes on that day is put aside.
  expect(await world.totals()).toEqual({ wire_bytes_in: good, wire_bytes_out: 8000n * LARGEST });
  expect(world.reports).toEqual([]);
  expect(world.log.entries).toEqual([]);
  await owner.stop();
});
