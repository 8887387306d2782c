/** Prints what the scale bench measured. */
import { cellFigures } from "./scale-figures.ts";
import type { ScaleCell } from "./scale-measurements.ts";

/** Prints the cells of one number of series. */
export function printCells(cells: readonly ScaleCell[]): void {
  for (const cell of cells) {
    const figures = cellFigures(cell).map(([name, text]) => `${name} ${text}`);
    console.log(`${cell.series} series, ${cell.receivers} receivers: ${figures.join("; ")}`);
  }
}
