/** The WebRTC tab: meetings, quality, TURN relay use and its price, round trips, loss. */
import { thresholdOf } from "./alert-figures.ts";
import { DataTable, type TableColumn } from "./data-table.ts";
import { element, setShown, setText } from "./element.ts";
import { formatCount, formatPricePerHour, formatRatio, formatSeconds, quantityText } from "./format-quantity.ts";
import type { HistoryJson, LiveJson, WebrtcView } from "./live-json.ts";
import { meetingSizes } from "./meeting-sizes.ts";
import { QualityBar } from "./quality-bar.ts";
import { RoundTripHeatmap } from "./round-trip-heatmap.ts";
import { StatTile } from "./stat-tile.ts";
import { TimeChart } from "./time-chart.ts";
import { hasParticipants, type TimelinePoint } from "./timeline.ts";

const countText = (count: number): string => quantityText(formatCount(count));
const ratioText = (ratio: number): string => quantityText(formatRatio(ratio));

const SIZE_COLUMNS: readonly TableColumn[] = [
  { header: "Users in a meeting", kind: "text" },
  { header: "Meetings", kind: "number" },
];
const MEETING_COLUMNS: readonly TableColumn[] = [
  { header: "Meeting", kind: "name" },
  { header: "Users", kind: "number" },
];

/** The tab's content. */
export class WebrtcPanel {
  readonly element: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #figures: HTMLElement;
  readonly #meetings = new StatTile("Active meetings");
  readonly #participants = new StatTile("Users", "participants");
  readonly #relay = new StatTile("Over TURN", "relay");
  readonly #cost = new StatTile("TURN cost");
  readonly #loss = new StatTile("Packet loss", "errors");
  readonly #roundTrip = new StatTile("Round-trip time", undefined, ["p50", "p95"]);
  readonly #quality = new QualityBar();
  readonly #heatmap = new RoundTripHeatmap();
  readonly #users = new TimeChart({
    title: "Users",
    format: countText,
    leastTop: 4,
    smallestStep: 1,
    lines: [
      { label: "all", colour: "participants", of: (point) => point.participants, filled: true },
      { label: "over TURN", colour: "relay", of: (point) => point.relayParticipants, filled: true },
    ],
  });
  readonly #lossChart = new TimeChart({
    title: "Packet loss",
    format: ratioText,
    leastTop: 0.01,
    lines: [{ label: "of packets", colour: "errors", of: (point) => point.packetLossRatio, filled: true }],
  });
  readonly #costChart = new TimeChart({
    title: "TURN cost",
    format: (price) => quantityText(formatPricePerHour(price)),
    leastTop: 0.1,
    smallestStep: 0.01,
    lines: [{ label: "an hour", colour: "relay", of: (point) => point.relayCostPerHour, filled: true }],
  });
  readonly #sizes = new DataTable("Meetings by number of users", SIZE_COLUMNS, "bars");
  readonly #largest = new DataTable("Largest meetings", MEETING_COLUMNS, "bars");
  readonly #others = element("p", { class: "note" });

  /** `empty` is shown while nobody is in a meeting. */
  constructor(empty: HTMLElement) {
    this.#empty = empty;
    const tiles = [this.#meetings, this.#participants, this.#relay, this.#cost, this.#loss, this.#roundTrip];
    this.#figures = element(
      "div",
      { class: "figures" },
      element("div", { class: "tiles" }, ...tiles.map((tile) => tile.element)),
      this.#quality.element,
      element(
        "div",
        { class: "charts" },
        this.#heatmap.frame.element,
        this.#users.frame.element,
        this.#lossChart.frame.element,
        this.#costChart.frame.element,
        element("section", { class: "card" }, element("h2", {}, "Users per meeting"), this.#sizes.element),
        element(
          "section",
          { class: "card" },
          element("h2", {}, "Largest meetings"),
          this.#largest.element,
          this.#others,
        ),
      ),
    );
    this.element = element("div", {}, this.#empty, this.#figures);
  }

  /** Shows a view, the points before it and the history's round trips. */
  update({ webrtc, alerts }: LiveJson, points: readonly TimelinePoint[], history: HistoryJson | undefined): void {
    const hasMeetings = webrtc.participants > 0 || hasParticipants(points);
    setShown(this.#empty, !hasMeetings);
    setShown(this.#figures, hasMeetings);
    if (!hasMeetings) return;
    this.#updateTiles(webrtc);
    this.#quality.update(webrtc.quality);
    this.#heatmap.update(history, points.at(-1)?.at);
    this.#users.update(points);
    this.#lossChart.update(points, thresholdOf(alerts, "webrtc-packet-loss"));
    this.#costChart.update(points, thresholdOf(alerts, "turn-cost"));
    this.#updateMeetings(webrtc);
  }

  #updateTiles(webrtc: WebrtcView): void {
    const { participants, relayParticipants, roundTripTimeSeconds } = webrtc;
    const someone = participants > 0;
    this.#meetings.update([formatCount(webrtc.meetings)]);
    const { mean } = meetingSizes(webrtc);
    this.#participants.update([formatCount(participants)], someone ? `${mean.toFixed(1)} a meeting` : "");
    this.#relay.update(
      [formatRatio(someone ? webrtc.relayShare : null)],
      `${countText(relayParticipants)} of ${countText(participants)} users`,
    );
    this.#cost.update([formatPricePerHour(webrtc.relayCostPerHour)], "at the current use");
    this.#loss.update([formatRatio(someone ? webrtc.packetLossRatio : null)], "the worse direction");
    this.#roundTrip.update([formatSeconds(roundTripTimeSeconds.p50), formatSeconds(roundTripTimeSeconds.p95)]);
  }

  #updateMeetings(webrtc: WebrtcView): void {
    const { groups, largest, others, unnamed } = meetingSizes(webrtc);
    const rows = groups.map(({ label, meetings }) => ({ label, meetings }));
    if (unnamed > 0) rows.unshift({ label: "no larger than those below", meetings: unnamed });
    const most = rows.reduce((highest, { meetings }) => Math.max(highest, meetings), 1);
    this.#sizes.update(
      rows.map(({ label, meetings }) => ({ cells: [label, countText(meetings)], share: meetings / most })),
    );
    const mostUsers = largest[0]?.participants ?? 1;
    this.#largest.update(
      largest.map(({ meeting, participants }) => ({
        cells: [meeting, countText(participants)],
        share: participants / mostUsers,
      })),
    );
    setText(this.#others, others > 0 ? `and ${countText(others)} more` : "");
  }
}
