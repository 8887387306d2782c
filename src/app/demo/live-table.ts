/**
 * What the demo shows while it runs, made of `GET /api/live`. Pure.
 */
import type { LiveEndpoint, LiveView } from "../../realtime/live-view.ts";
import { byteRateText, millisText } from "./quantities.ts";

/** How far the run is, seconds. */
export interface Progress {
  readonly elapsedSeconds: number;
  readonly totalSeconds: number;
}

const TOP_ENDPOINTS = 10;
const BAR_WIDTH = 30;
/** Seven of them fit a terminal of 80 columns. */
const COLUMN_WIDTH = 11;

/** The table for a terminal that is redrawn. `live` is undefined until there is something to show. */
export function liveTable(live: LiveView | undefined, progress: Progress): readonly string[] {
  const head = ["", `  ${bar(progress)}  ${timeLeft(progress)}`, ""];
  if (live === undefined) return [...head, "  waiting for the first metrics", ""];
  const { requestsPerSecond, bytesInPerSecond, bytesOutPerSecond, errorRatio, latencySeconds } = live.http;
  return [
    ...head,
    columns(["requests/s", "in", "out", "errors", "p50", "p95", "p99"]),
    columns([
      requestsPerSecond.toFixed(1),
      byteRateText(bytesInPerSecond),
      byteRateText(bytesOutPerSecond),
      `${(errorRatio * 100).toFixed(1)} %`,
      millisText(latencySeconds.p50),
      millisText(latencySeconds.p95),
      millisText(latencySeconds.p99),
    ]),
    "",
    `  ${"top endpoints".padEnd(32)}${columns(["requests/s", "bytes", "p95"])}`,
    ...endpointsOf(live).map(endpointLine),
    "",
  ];
}

/** The series of the sockets' totals is no endpoint. */
function endpointsOf({ http }: LiveView): readonly LiveEndpoint[] {
  return http.topEndpoints.filter(({ method }) => method !== "").slice(0, TOP_ENDPOINTS);
}

/** One line for an output that is not a terminal. */
export function liveLine(live: LiveView | undefined, progress: Progress): string {
  if (live === undefined) return `${timeLeft(progress)}: waiting for the first metrics`;
  const { requestsPerSecond, bytesInPerSecond, bytesOutPerSecond, latencySeconds } = live.http;
  const top = endpointsOf(live)[0];
  return [
    `${timeLeft(progress)}: ${requestsPerSecond.toFixed(1)} requests/s`,
    `in ${byteRateText(bytesInPerSecond)}, out ${byteRateText(bytesOutPerSecond)}`,
    `p50 ${millisText(latencySeconds.p50)}, p95 ${millisText(latencySeconds.p95)}, p99 ${millisText(latencySeconds.p99)}`,
    ...(top === undefined ? [] : [`top ${top.method} ${top.route}`]),
  ].join(" | ");
}

function endpointLine({ method, route, requestsPerSecond, bytesPerSecond, p95 }: LiveEndpoint): string {
  const name = `${method.padEnd(6)} ${route === "" ? "(no route)" : route}`.padEnd(32).slice(0, 32);
  return `  ${name}${columns([requestsPerSecond.toFixed(1), byteRateText(bytesPerSecond), millisText(p95)])}`;
}

function columns(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join("");
}

function timeLeft({ elapsedSeconds, totalSeconds }: Progress): string {
  return `${Math.max(0, Math.ceil(totalSeconds - elapsedSeconds))} s left`;
}

function bar({ elapsedSeconds, totalSeconds }: Progress): string {
  const done = Math.min(BAR_WIDTH, Math.round((elapsedSeconds / totalSeconds) * BAR_WIDTH));
  return "█".repeat(done) + "░".repeat(BAR_WIDTH - done);
}
