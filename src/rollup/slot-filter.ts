/** Beside the totals' stores: the condition in SQL that a row is of a shard's slots. */
import type { ShardSlots } from "../model/shard-layout.ts";
import { shardOf, SLOT_COUNT } from "../model/slot.ts";

/** A condition on the column `slot` that an index on it can serve. */
export function slotFilter({ shard, shardCount }: ShardSlots): string {
  const slots: number[] = [];
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) if (shardOf(slot, shardCount) === shard) slots.push(slot);
  // A shard of its own has every slot; one beyond the number of slots has none.
  if (slots.length === SLOT_COUNT) return "slot >= 0";
  return slots.length === 0 ? "slot < 0" : `slot IN (${slots.join(", ")})`;
}
