import { expect, it } from "vitest";
import { NumberSlab } from "../../src/aggregate/number-slab.ts";

it("records begin as zeros, keep what is written to them and share no number, however many follow", () => {
  const slab = new NumberSlab(3);
  const records = Array.from({ length: 1000 }, (_, record) => {
    const offset = slab.add();
    const { numbers } = slab;
    expect([...numbers.subarray(offset, offset + 3)]).toEqual([0, 0, 0]);
    numbers.fill(record + 1, offset, offset + 3);
    return { numbers, offset };
  });
  for (const [record, { numbers, offset }] of records.entries()) {
    expect([...numbers.subarray(offset, offset + 3)]).toEqual([record + 1, record + 1, record + 1]);
  }
});
