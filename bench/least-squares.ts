/** Least squares without negative coefficients: what work costs is never less than nothing. */

/** Coordinate descent on few columns settles long before. */
const MAX_SWEEPS = 20_000;
const SETTLED = 1e-12;

/**
 * The coefficients, none below zero, with which the columns come closest to the wanted values, each row's error taken relative to
 * what is wanted of it. `rows` are as long as the result. Throws when there is no row, or a wanted value is not above zero.
 */
export function nonNegativeLeastSquares(
  rows: readonly (readonly number[])[],
  wanted: readonly number[],
): readonly number[] {
  const width = rows[0]?.length ?? 0;
  if (width === 0 || rows.length !== wanted.length)
    throw new Error("expected a wanted value for each of one or more rows");
  if (wanted.some((value) => !(value > 0))) throw new Error("expected wanted values above zero");
  const relative = rows.map((row, at) => row.map((value) => value / wanted[at]!));
  // Columns of one length: a count of millions and one of seconds settle alike.
  const lengths = Array.from({ length: width }, (_, column) => Math.hypot(...relative.map((row) => row[column]!)) || 1);
  const scaled = relative.map((row) => row.map((value, column) => value / lengths[column]!));
  const coefficients = Array.from({ length: width }, () => 0);
  const residuals = scaled.map(() => 1);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    let moved = 0;
    for (let column = 0; column < width; column += 1) {
      moved = Math.max(moved, descend(scaled, residuals, coefficients, column));
    }
    if (moved < SETTLED) break;
  }
  return coefficients.map((value, column) => value / lengths[column]!);
}

/** Moves one coefficient to its best value; how far. */
function descend(
  rows: readonly (readonly number[])[],
  residuals: number[],
  coefficients: number[],
  column: number,
): number {
  let [gradient, curvature] = [0, 0];
  for (const [at, row] of rows.entries()) {
    gradient += row[column]! * residuals[at]!;
    curvature += row[column]! ** 2;
  }
  if (curvature === 0) return 0;
  const before = coefficients[column]!;
  const after = Math.max(0, before + gradient / curvature);
  coefficients[column] = after;
  for (const [at, row] of rows.entries()) residuals[at]! -= (after - before) * row[column]!;
  return Math.abs(after - before);
}
