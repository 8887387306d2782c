/** The Alerts tab: what fires now, value against threshold, and what was resolved lately. */
import { alertLists, type AlertFigures } from "./alert-figures.ts";
import { element, setShown, setText } from "./element.ts";
import type { LiveJson } from "./live-json.ts";
import { timeText } from "./plot-options.ts";

/** The tab's content. */
export class AlertsPanel {
  readonly element: HTMLElement;
  readonly #calm = element("p", { class: "card calm" }, "No alert is firing.");
  readonly #active = new AlertList("Firing alerts");
  readonly #recentHeading = element("h2", {}, "Resolved lately");
  readonly #recent = new AlertList("Alerts resolved lately");

  constructor() {
    this.element = element(
      "div",
      { class: "figures" },
      element("h2", {}, "Now"),
      this.#calm,
      this.#active.element,
      this.#recentHeading,
      this.#recent.element,
    );
  }

  /** Shows the alerts of a view; how many fire. */
  update({ alerts, at }: LiveJson): number {
    const { active, recent, firing } = alertLists(alerts, at);
    setShown(this.#calm, active.length === 0);
    this.#active.update(active);
    setShown(this.#recentHeading, recent.length > 0);
    this.#recent.update(recent);
    return firing;
  }
}

/** Alerts as cards, changed in place. */
class AlertList {
  readonly element: HTMLElement;
  readonly #cards: AlertCard[] = [];

  constructor(label: string) {
    this.element = element("ul", { class: "alerts", "aria-label": label });
  }

  update(alerts: readonly AlertFigures[]): void {
    setShown(this.element, alerts.length > 0);
    while (this.#cards.length > alerts.length) this.#cards.pop()?.element.remove();
    for (const [index, alert] of alerts.entries()) {
      const card = this.#cards[index] ?? this.#add();
      card.update(alert);
    }
  }

  #add(): AlertCard {
    const card = new AlertCard();
    this.#cards.push(card);
    this.element.append(card.element);
    return card;
  }
}

class AlertCard {
  readonly element: HTMLElement = element("li", { class: "card alert" });
  readonly #state = element("span", { class: "state" });
  readonly #severity = element("span", { class: "severity" });
  readonly #title = element("h3");
  readonly #scope = element("p", { class: "scope" });
  readonly #value = element("strong", { class: "number" });
  readonly #threshold = element("span", { class: "against" });
  readonly #bar = element("div", { class: "threshold-bar", "aria-hidden": "true" }, element("span"));
  readonly #since = element("p", { class: "note" });

  constructor() {
    this.element.append(
      element("div", { class: "alert-head" }, this.#title, element("p", {}, this.#state, " ", this.#severity)),
      this.#scope,
      element("p", { class: "numbers" }, this.#value, " ", this.#threshold),
      this.#bar,
      this.#since,
    );
  }

  update({ alert, title, value, threshold, share, duration }: AlertFigures): void {
    this.element.dataset["state"] = alert.state;
    this.element.dataset["severity"] = alert.severity;
    setText(this.#title, title);
    setText(this.#state, alert.state);
    setText(this.#severity, alert.severity);
    setText(this.#scope, alert.scope === "all" ? "everything" : alert.scope);
    setText(this.#value, value);
    setText(this.#threshold, `at worst, threshold ${threshold}`);
    setShown(this.#bar, share !== null);
    this.#bar.style.setProperty("--share", String((share ?? 0) / 2));
    const resolved = alert.resolvedAt === null ? "" : `, resolved at ${timeText(alert.resolvedAt)}`;
    setText(this.#since, `since ${timeText(alert.startedAt)}, ${duration}${resolved}`);
  }
}
