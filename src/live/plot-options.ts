/** What the charts of the page share: axes in the colours of the style sheet, the last five minutes, following the window. */
import type uPlot from "uplot";
import { SHOWN_MILLIS } from "./page-state.ts";
import { colourOf, onThemeChange } from "./theme.ts";

const FONT = "12px system-ui, sans-serif";
const VALUE_AXIS_WIDTH = 78;
const TIME_AXIS_HEIGHT = 30;
/** Ticks at half a minute, a minute, or more. */
const TIME_INCREMENTS = [30, 60, 120, 300];
/** Steps of an axis whose labels are rounded: 1, 2 and 5 times powers of ten. */
const ROUND_INCREMENTS = [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7].flatMap((power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
);
const MINUTES = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** The time of day of a moment in milliseconds since the epoch, where the reader is. */
export function timeText(atMillis: number): string {
  return SECONDS.format(atMillis);
}

/** The five minutes before the newest moment, seconds. */
export function timeRange(newestMillis: number | undefined): [number, number] {
  const end = (newestMillis ?? SHOWN_MILLIS) / 1000;
  return [end - SHOWN_MILLIS / 1000, end];
}

/** The axis below a chart. */
export function timeAxis(): uPlot.Axis {
  const text = (seconds: number): string => (seconds % 60 === 0 ? MINUTES : SECONDS).format(seconds * 1000);
  return {
    ...axisColours(),
    size: TIME_AXIS_HEIGHT,
    space: 70,
    incrs: TIME_INCREMENTS,
    values: (_, splits) => splits.map(text),
  };
}

/** The axis beside a chart; `format` writes a value with its unit, and steps are no smaller than what it can tell apart. */
export function plotAxis(format: (value: number) => string, smallestStep?: number): uPlot.Axis {
  return {
    ...axisColours(),
    ...(smallestStep === undefined ? {} : { incrs: ROUND_INCREMENTS.filter((step) => step >= smallestStep) }),
    size: VALUE_AXIS_WIDTH,
    space: 36,
    values: (_, splits) => splits.map((value) => (value === null ? "" : format(value))),
  };
}

/** Gives a chart the size of its place, and its colours anew when light becomes dark. */
export function followSize(plot: uPlot, place: HTMLElement): void {
  const observer = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = place;
    // Nothing is drawn in a tab that is not shown.
    if (width > 0 && (width !== plot.width || height !== plot.height)) plot.setSize({ width, height });
  });
  observer.observe(place);
  onThemeChange(() => plot.redraw(false, true));
}

function axisColours(): uPlot.Axis {
  return {
    font: FONT,
    stroke: () => colourOf("--muted"),
    grid: { stroke: () => colourOf("--grid"), width: 1 },
    ticks: { show: false },
  };
}
