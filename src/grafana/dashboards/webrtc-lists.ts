/** Who met: the lists of meetings and of participants, each with its figures. */
import { DASHBOARDS } from "../names.ts";
import { type Column, tablePanel } from "../panels/table-panel.ts";
import type { Scope } from "../sql/filters.ts";
import { meetingTable } from "../sql/webrtc-queries.ts";
import type { Threshold } from "../threshold.ts";
import type { Row } from "./dashboard.ts";

/** The row of lists; `threshold` gives the threshold of an alert rule. */
export function listsOfWebrtc(scope: Scope, threshold: (rule: string) => Threshold): Row {
  const link = {
    title: "Show this meeting alone",
    url: `/d/${DASHBOARDS.webrtc.uid}?\${__url_time_range}&\${service:queryparam}&\${environment:queryparam}&var-meeting=\${__data.fields.Meeting:percentencode}`,
  };
  const share = (limit?: number): Column => ({
    unit: "percentunit",
    decimals: 1,
    width: 110,
    ...(limit === undefined ? {} : { colors: [[limit, "red"]] as const }),
  });
  const figures: Record<string, Column> = {
    Connected: { unit: "suffix: h", decimals: 1, width: 110 },
    "Poor quality": share(threshold("webrtc-poor-quality").fallback),
    "RTT p95": { unit: "ms", decimals: 0, width: 100 },
    Loss: share(threshold("webrtc-packet-loss").fallback),
    Relayed: share(),
    "TURN cost": { unit: "none", decimals: 2, width: 100 },
    Bytes: { unit: "decbytes", width: 110 },
  };
  return {
    title: "Who",
    panels: [
      tablePanel({
        id: 19,
        title: "Meetings",
        description:
          "The 50 meetings with the most connected time of all participants. A click on a meeting shows it alone. RTT p95 is of the whole hours, or days, that a range of more than 3 hours, or 3 days, touches.",
        sql: meetingTable(scope, "meetings"),
        width: 24,
        height: 9,
        columns: { Meeting: { unit: "string", link }, Participants: { unit: "none", width: 110 }, ...figures },
        sortBy: { column: "Connected", descending: true },
        noValue: "No meeting in this time range",
      }),
      tablePanel({
        id: 20,
        title: "Participants",
        description: "The 50 participants with the most connected time.",
        sql: meetingTable(scope, "participants"),
        width: 24,
        height: 9,
        columns: { Meeting: { unit: "string", link }, Participant: { unit: "string" }, ...figures },
        sortBy: { column: "Connected", descending: true },
        noValue: "No participant in this time range",
      }),
    ],
  };
}
