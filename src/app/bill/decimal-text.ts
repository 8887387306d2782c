/**
 * Exact decimal numbers as text: whole units of a power of ten, never a floating point number.
 */

/** The text of `units` / 10^`decimals`, with all of its decimals. `units` is not negative. */
export function decimalText(units: bigint, decimals: number): string {
  if (decimals === 0) return String(units);
  const digits = String(units).padStart(decimals + 1, "0");
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** How many decimals show all of these numbers exactly, no fewer than `least`, of `decimals` that they are kept with. */
export function neededDecimals(all: readonly bigint[], decimals: number, least: number): number {
  let needed = decimals;
  while (needed > least && all.every((units) => units % 10n ** BigInt(decimals - needed + 1) === 0n)) needed -= 1;
  return needed;
}

/** The text of `units` / 10^`decimals` with fewer decimals, which must show it exactly. */
export function shortDecimalText(units: bigint, decimals: number, shown: number): string {
  return decimalText(units / 10n ** BigInt(decimals - shown), shown);
}

/**
 * Divides amounts by `divisor` into whole parts that add up to the rounded quotient of their sum: each is rounded down, and
 * what is missing is given to those that lost most, one each. So a total is exact to half a unit and equals its lines.
 */
export function apportioned(
  amounts: readonly bigint[],
  divisor: bigint,
): { readonly parts: readonly bigint[]; readonly total: bigint } {
  const sum = amounts.reduce((total, amount) => total + amount, 0n);
  const total = (sum + divisor / 2n) / divisor;
  const parts = amounts.map((amount) => amount / divisor);
  let missing = total - parts.reduce((all, part) => all + part, 0n);
  const byLoss = amounts
    .map((_, at) => at)
    .sort((a, b) => Number((amounts[b]! % divisor) - (amounts[a]! % divisor)) || a - b);
  for (const at of byLoss) {
    if (missing === 0n) break;
    parts[at]! += 1n;
    missing -= 1n;
  }
  return { parts, total };
}
