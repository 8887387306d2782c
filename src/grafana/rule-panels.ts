/** Where each alert rule is looked at first: a panel of one of the dashboards. */
import { DASHBOARDS, type DashboardName } from "./names.ts";
import { HTTP_PANELS } from "./dashboards/http-dashboard.ts";
import { WEBRTC_PANELS } from "./dashboards/webrtc-dashboard.ts";

/** A panel, and what it is filtered by. */
export interface RulePanel {
  readonly dashboard: DashboardName;
  readonly panelId: number;
}

const PANELS: Readonly<Record<string, RulePanel>> = {
  "http-latency-p95": { dashboard: DASHBOARDS.http, panelId: HTTP_PANELS.latency },
  "http-error-ratio": { dashboard: DASHBOARDS.http, panelId: HTTP_PANELS.errors },
  "webrtc-poor-quality": { dashboard: DASHBOARDS.webrtc, panelId: WEBRTC_PANELS.quality },
  "webrtc-packet-loss": { dashboard: DASHBOARDS.webrtc, panelId: WEBRTC_PANELS.loss },
  "turn-cost": { dashboard: DASHBOARDS.webrtc, panelId: WEBRTC_PANELS.cost },
  "turn-in-use": { dashboard: DASHBOARDS.webrtc, panelId: WEBRTC_PANELS.relay },
  "receiver-freshness": { dashboard: DASHBOARDS.overview, panelId: 17 },
};

/** The panel of a rule. Throws for a rule that has none: every rule needs one. */
export function panelOfRule(id: string): RulePanel {
  const panel = PANELS[id];
  if (panel === undefined) throw new Error(`no panel shows the alert rule ${id}`);
  return panel;
}
