/** The live page: connects its source to its tabs. */
import { AlertsPanel } from "./alerts-panel.ts";
import { ConnectionStatus } from "./connection-status.ts";
import { byId, setShown, setText } from "./element.ts";
import { emptyState, httpSteps, webrtcSteps } from "./empty-state.ts";
import { HttpPanel } from "./http-panel.ts";
import type { LiveEvent } from "./live-source.ts";
import { pageClock } from "./page-clock.ts";
import { INITIAL_STATE, nextState } from "./page-state.ts";
import { PollingSource } from "./polling-source.ts";
import { connectTabs } from "./tabs.ts";
import { timelineOf } from "./timeline.ts";
import { storedToken, TokenPrompt } from "./token-prompt.ts";
import { WebrtcPanel } from "./webrtc-panel.ts";

/** How often the age of the figures is told anew, milliseconds. */
const AGE_INTERVAL_MILLIS = 1000;

const source = new PollingSource({
  clock: pageClock,
  fetch: (path, init) => fetch(path, init),
  token: storedToken(),
});
const after = (delayMillis: number, callback: () => void): void => void pageClock.after(delayMillis, callback);
const otlpPort = document.querySelector<HTMLMetaElement>('meta[name="otlp-port"]')?.content ?? "";
const otlpOrigin = `${location.protocol}//${location.hostname}:${/^\d+$/.test(otlpPort) ? otlpPort : "4318"}`;

const http = new HttpPanel(
  emptyState(
    "No HTTP traffic in the last 5 minutes",
    "The receiver is running and waits for metrics. Figures appear here seconds after the first export.",
    httpSteps(otlpOrigin),
    after,
  ),
);
const webrtc = new WebrtcPanel(
  emptyState(
    "No meetings in the last 5 minutes",
    "The receiver is running and waits for the pages that hold the calls.",
    webrtcSteps(location.origin),
    after,
  ),
);
const alerts = new AlertsPanel();
const status = new ConnectionStatus();
const prompt = new TokenPrompt(
  (given) => source.setToken(given),
  () => source.setToken(undefined),
);
for (const [id, panel] of Object.entries({ http, webrtc, alerts })) byId(`panel-${id}`).append(panel.element);
connectTabs(byId("tabs"));

let state = INITIAL_STATE;

/** Figures are drawn when there are new ones. */
function draw(): void {
  const { view, history, connection } = state;
  setShown(byId("panels"), view !== undefined);
  setShown(byId("loading"), view === undefined && connection !== "unauthorised");
  prompt.update(state);
  if (view === undefined) return;
  const points = timelineOf(state);
  http.update(view, points);
  webrtc.update(view, points, history);
  const firing = alerts.update(view);
  status.updateFiring(firing);
  const badge = byId("firing");
  setText(badge, String(firing));
  setShown(badge, firing > 0);
  setShown(byId("firing-label"), firing > 0);
}

function take(event: LiveEvent): void {
  state = nextState(state, event);
  draw();
  status.update(state, pageClock.nowMillis());
}

function tellAge(): void {
  status.update(state, pageClock.nowMillis());
  after(AGE_INTERVAL_MILLIS, tellAge);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") source.pause();
  else source.resume();
});
source.start(take);
tellAge();
