/** The HTTP tab: traffic, latency, errors and the endpoints with most bytes. */
import { thresholdOf } from "./alert-figures.ts";
import { DataTable, type TableColumn } from "./data-table.ts";
import { element, setShown } from "./element.ts";
import { formatBytesPerSecond, formatPerSecond, formatRatio, formatSeconds, quantityText } from "./format-quantity.ts";
import type { LiveJson } from "./live-json.ts";
import { StatTile } from "./stat-tile.ts";
import { TimeChart } from "./time-chart.ts";
import { hasHttpTraffic, type TimelinePoint } from "./timeline.ts";

const bytesText = (bytes: number): string => quantityText(formatBytesPerSecond(bytes));
const secondsText = (seconds: number | null): string => quantityText(formatSeconds(seconds));
const rateText = (rate: number): string => quantityText(formatPerSecond(rate));
const ratioText = (ratio: number): string => quantityText(formatRatio(ratio));

const ENDPOINT_COLUMNS: readonly TableColumn[] = [
  { header: "Endpoint", kind: "name" },
  { header: "Service", kind: "name" },
  { header: "Bandwidth", kind: "number" },
  { header: "Requests", kind: "number" },
  { header: "p95", kind: "number" },
];

/** The tab's content. */
export class HttpPanel {
  readonly element: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #figures: HTMLElement;
  readonly #received = new StatTile("Received", "in");
  readonly #sent = new StatTile("Sent", "out");
  readonly #requests = new StatTile("Requests", "requests");
  readonly #errors = new StatTile("Errors", "errors");
  readonly #latency = new StatTile("Latency", undefined, ["p50", "p95", "p99"]);
  readonly #bandwidth = new TimeChart({
    title: "Bandwidth",
    format: bytesText,
    leastTop: 1000,
    lines: [
      { label: "received", colour: "in", of: (point) => point.bytesInPerSecond, filled: true },
      { label: "sent", colour: "out", of: (point) => point.bytesOutPerSecond, filled: true },
    ],
  });
  readonly #durations = new TimeChart({
    title: "Latency",
    format: secondsText,
    leastTop: 0.01,
    lines: [
      { label: "p50", colour: "p50", of: (point) => point.p50 },
      { label: "p95", colour: "p95", of: (point) => point.p95 },
      { label: "p99", colour: "p99", of: (point) => point.p99, dash: [6, 4] },
    ],
  });
  readonly #rates = new TimeChart({
    title: "Requests",
    format: rateText,
    leastTop: 1,
    lines: [{ label: "requests", colour: "requests", of: (point) => point.requestsPerSecond, filled: true }],
  });
  readonly #errorRatio = new TimeChart({
    title: "Errors",
    format: ratioText,
    leastTop: 0.01,
    lines: [{ label: "of requests", colour: "errors", of: (point) => point.errorRatio, filled: true }],
  });
  readonly #endpoints = new DataTable(
    "Endpoints with the most bytes, both directions",
    ENDPOINT_COLUMNS,
    "bars stacks",
  );

  /** `empty` is shown while there is no traffic. */
  constructor(empty: HTMLElement) {
    this.#empty = empty;
    const tiles = [this.#received, this.#sent, this.#requests, this.#errors, this.#latency];
    const charts = [this.#bandwidth, this.#durations, this.#rates, this.#errorRatio];
    this.#figures = element(
      "div",
      { class: "figures" },
      element("div", { class: "tiles" }, ...tiles.map((tile) => tile.element)),
      element("div", { class: "charts" }, ...charts.map((chart) => chart.frame.element)),
      element("section", { class: "card" }, element("h2", {}, "Top endpoints"), this.#endpoints.element),
    );
    this.element = element("div", {}, this.#empty, this.#figures);
  }

  /** Shows a view and the points before it. */
  update({ http, alerts }: LiveJson, points: readonly TimelinePoint[]): void {
    const hasTraffic = http.topEndpoints.length > 0 || hasHttpTraffic(points);
    setShown(this.#empty, !hasTraffic);
    setShown(this.#figures, hasTraffic);
    if (!hasTraffic) return;
    this.#received.update([formatBytesPerSecond(http.bytesInPerSecond)], "request bodies");
    this.#sent.update([formatBytesPerSecond(http.bytesOutPerSecond)], "response bodies");
    this.#requests.update([formatPerSecond(http.requestsPerSecond)]);
    this.#errors.update([formatRatio(http.requestsPerSecond > 0 ? http.errorRatio : null)], "of requests");
    const { p50, p95, p99 } = http.latencySeconds;
    this.#latency.update([formatSeconds(p50), formatSeconds(p95), formatSeconds(p99)]);
    this.#bandwidth.update(points);
    const latencyThreshold = thresholdOf(alerts, "http-latency-p95");
    this.#durations.update(points, latencyThreshold === undefined ? undefined : latencyThreshold / 1000);
    this.#rates.update(points);
    this.#errorRatio.update(points, thresholdOf(alerts, "http-error-ratio"));
    this.#updateEndpoints(http.topEndpoints);
  }

  #updateEndpoints(endpoints: LiveJson["http"]["topEndpoints"]): void {
    const most = endpoints.reduce((highest, { bytesPerSecond }) => Math.max(highest, bytesPerSecond), 0);
    this.#endpoints.update(
      endpoints.map(({ method, route, service, bytesPerSecond, requestsPerSecond, p95 }) => ({
        cells: [
          // Servers that name no route are counted under none.
          `${method} ${route === "" ? "(no route)" : route}`,
          service,
          bytesText(bytesPerSecond),
          rateText(requestsPerSecond),
          secondsText(p95),
        ],
        share: most > 0 ? bytesPerSecond / most : 0,
      })),
    );
  }
}
