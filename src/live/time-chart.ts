/** A chart over the last five minutes: lines, and a threshold where an alert has one. */
import uPlot from "uplot";
import { chartSummary } from "./chart-summary.ts";
import { LegendEntry, PlotFrame } from "./plot-frame.ts";
import { followSize, plotAxis, timeAxis, timeRange, timeText } from "./plot-options.ts";
import { colourOf } from "./theme.ts";
import type { TimelinePoint } from "./timeline.ts";

/** One line. */
export interface ChartLine {
  readonly label: string;
  /** The class of its swatch; its colour in the style sheet is `--` and this. */
  readonly colour: string;
  readonly of: (point: TimelinePoint) => number | null;
  readonly dash?: readonly number[];
  readonly filled?: boolean;
}

/** What a chart is. */
export interface TimeChartOptions {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** A value with its unit. */
  readonly format: (value: number) => string;
  /** The least that the axis reaches to, so that a quiet line lies still. */
  readonly leastTop: number;
  /** The least that two labels of the axis differ by: 1 where values between whole numbers have no meaning. */
  readonly smallestStep?: number;
}

const TOP_ROOM = 1.12;
const FILL_ALPHA = "22";

/** A chart in its frame. */
export class TimeChart {
  readonly frame: PlotFrame;
  readonly #options: TimeChartOptions;
  readonly #legend: readonly LegendEntry[];
  readonly #plot: uPlot;
  #points: readonly TimelinePoint[] = [];
  #threshold: number | undefined;

  constructor(options: TimeChartOptions) {
    this.#options = options;
    const { title, lines, format } = options;
    this.frame = new PlotFrame(title, {
      columns: [
        { header: "Time", kind: "text" },
        ...lines.map(({ label }) => ({ header: label, kind: "number" as const })),
      ],
      rows: () => this.#rows(),
    });
    this.#legend = lines.map(({ colour, label }) => new LegendEntry(colour, label));
    this.frame.legend.append(...this.#legend.map((entry) => entry.element));
    this.#plot = new uPlot(
      {
        width: 100,
        height: 100,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: {
          x: { time: true, range: () => timeRange(this.#points.at(-1)?.at) },
          y: { range: (_, __, highest) => [0, this.#top(highest)] },
        },
        axes: [timeAxis(), plotAxis(format, options.smallestStep)],
        series: [{}, ...lines.map(seriesOf)],
        hooks: { draw: [(plot) => this.#drawThreshold(plot)], setCursor: [() => this.#updateLegend()] },
      },
      this.#data(),
      this.frame.canvasPlace,
    );
    followSize(this.#plot, this.frame.canvasPlace);
  }

  /** Draws these points; `threshold` is that of an alert on the same figure. */
  update(points: readonly TimelinePoint[], threshold?: number): void {
    this.#points = points;
    this.#threshold = threshold;
    this.#plot.setData(this.#data());
    this.#updateLegend();
    const { title, lines, format } = this.#options;
    const text = chartSummary(
      title,
      lines.map(({ label, of }) => ({ label, values: points.map(of), format })),
    );
    this.frame.describe(threshold === undefined ? text : `${text} Alert above ${format(threshold)}.`);
  }

  #data(): uPlot.AlignedData {
    const { lines } = this.#options;
    return [this.#points.map(({ at }) => at / 1000), ...lines.map(({ of }) => this.#points.map(of))];
  }

  #top(highest: number | null): number {
    return Math.max(this.#options.leastTop, highest ?? 0, this.#threshold ?? 0) * TOP_ROOM;
  }

  #rows(): { readonly cells: readonly string[] }[] {
    const { lines, format } = this.#options;
    return this.#points.toReversed().map((point) => ({
      cells: [timeText(point.at), ...lines.map(({ of }) => valueText(of(point), format))],
    }));
  }

  /** The legend has the values under the pointer, or the latest. */
  #updateLegend(): void {
    const { lines, format } = this.#options;
    const pointed = this.#points[this.#plot?.cursor.idx ?? -1];
    for (const [index, { of }] of lines.entries()) {
      const value = pointed ? of(pointed) : this.#points.findLast((point) => of(point) !== null);
      const shown = typeof value === "object" && value !== null ? of(value) : value;
      this.#legend[index]?.update(valueText(shown ?? null, format));
    }
  }

  #drawThreshold(plot: uPlot): void {
    if (this.#threshold === undefined) return;
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(this.#threshold, "y", true));
    ctx.save();
    ctx.strokeStyle = colourOf("--threshold");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    drawThresholdLabel(plot, `alert above ${this.#options.format(this.#threshold)}`, y);
    ctx.restore();
  }
}

/** On a ground of its own, for a line may pass behind it. */
function drawThresholdLabel({ ctx, bbox }: uPlot, text: string, y: number): void {
  const size = 12 * devicePixelRatio;
  const right = bbox.left + bbox.width - size / 3;
  ctx.font = `${size}px system-ui, sans-serif`;
  const { width } = ctx.measureText(text);
  ctx.fillStyle = colourOf("--card");
  ctx.globalAlpha = 0.8;
  ctx.fillRect(right - width - size / 3, y - size * 1.4, width + (size * 2) / 3, size * 1.3);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colourOf("--threshold");
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  ctx.fillText(text, right, y - 2);
}

function seriesOf({ colour, dash, filled }: ChartLine): uPlot.Series {
  return {
    stroke: () => colourOf(`--${colour}`),
    width: 2,
    points: { size: 5 },
    ...(filled === true ? { fill: () => `${colourOf(`--${colour}`)}${FILL_ALPHA}` } : {}),
    ...(dash === undefined ? {} : { dash: [...dash] }),
  };
}

function valueText(value: number | null, format: (value: number) => string): string {
  return value === null ? "–" : format(value);
}
