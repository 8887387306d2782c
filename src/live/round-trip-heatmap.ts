/** Round trips of the last five minutes as a heatmap: time across, duration up on a logarithmic scale, darker is more. */
import uPlot from "uplot";
import { formatCount, formatSeconds, quantityText } from "./format-quantity.ts";
import { heatmapGrid, roundTripRows, type HeatmapGrid } from "./heatmap-grid.ts";
import type { HistoryJson } from "./live-json.ts";
import { PlotFrame } from "./plot-frame.ts";
import { followSize, plotAxis, timeAxis, timeRange } from "./plot-options.ts";
import { element } from "./element.ts";
import { colourOf } from "./theme.ts";

const TITLE = "Round-trip time";
const DURATION_TICKS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
const LEAST_ALPHA = 0.15;
const secondsText = (seconds: number): string => quantityText(formatSeconds(seconds));

/** The heatmap in its frame. */
export class RoundTripHeatmap {
  readonly frame: PlotFrame;
  readonly #plot: uPlot;
  #grid: HeatmapGrid = heatmapGrid(undefined);
  #newestMillis: number | undefined;

  constructor() {
    this.frame = new PlotFrame(TITLE, {
      columns: [
        { header: "From – to", kind: "text" },
        { header: "Round trips", kind: "number" },
      ],
      rows: () =>
        roundTripRows(this.#grid).map(({ label: [from, to], count }) => ({
          cells: [`${secondsText(from)} – ${secondsText(to)}`, quantityText(formatCount(count))],
        })),
    });
    this.frame.legend.append(
      element("span", { class: "legend-entry" }, "fewer", element("span", { class: "heat-scale" }), "more"),
    );
    this.#plot = new uPlot(
      {
        width: 100,
        height: 100,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: true, range: () => timeRange(this.#newestMillis) },
          y: { distr: 3, range: () => [this.#grid.lowest, this.#grid.highest] },
        },
        axes: [timeAxis(), this.#durationAxis()],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [(plot) => this.#drawCells(plot)] },
      },
      [[], []],
      this.frame.canvasPlace,
    );
    followSize(this.#plot, this.frame.canvasPlace);
  }

  /** Draws a history; `newestMillis` is where the other charts end. */
  update(history: HistoryJson | undefined, newestMillis: number | undefined): void {
    this.#grid = heatmapGrid(history);
    this.#newestMillis = newestMillis;
    const [from, to] = timeRange(newestMillis);
    this.#plot.setData([
      [from, to],
      [this.#grid.lowest, this.#grid.highest],
    ]);
    this.frame.describe(this.#summary());
  }

  #durationAxis(): uPlot.Axis {
    const splits = (): number[] =>
      DURATION_TICKS.filter((tick) => tick >= this.#grid.lowest && tick <= this.#grid.highest);
    return { ...plotAxis(secondsText), splits, filter: (_, values) => values };
  }

  #summary(): string {
    const { observations, cells } = this.#grid;
    if (observations === 0) return `${TITLE}, last 5 minutes: no round trips were reported.`;
    const rows = roundTripRows(this.#grid);
    const most = rows.reduce((best, row) => (row.count > best.count ? row : best));
    const [from, to] = most.label;
    const longest = cells.reduce((longer, { toSeconds }) => Math.max(longer, toSeconds), 0);
    const often = `most often ${secondsText(from)} to ${secondsText(to)}`;
    return `${TITLE}, last 5 minutes: ${quantityText(formatCount(observations))} round trips, ${often}, longest up to ${secondsText(longest)}.`;
  }

  #drawCells(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colourOf("--heat");
    for (const cell of this.#grid.cells) {
      const left = plot.valToPos(cell.fromMillis / 1000, "x", true);
      const right = plot.valToPos(cell.toMillis / 1000, "x", true);
      const top = plot.valToPos(cell.toSeconds, "y", true);
      const bottom = plot.valToPos(Math.max(cell.fromSeconds, this.#grid.lowest), "y", true);
      ctx.globalAlpha = LEAST_ALPHA + (1 - LEAST_ALPHA) * cell.strength;
      // Edges on whole pixels, so that neighbours meet.
      const [x, y] = [Math.round(left), Math.round(top)];
      ctx.fillRect(x, y, Math.round(right) - x, Math.round(bottom) - y);
    }
    ctx.restore();
  }
}
