/** Whether the figures are those of now: in the header, in a banner when they are not, and in words when that changes. */
import { byId, setShown, setText } from "./element.ts";
import { formatAge } from "./format-quantity.ts";
import { isCurrent, type PageState } from "./page-state.ts";
import { timeText } from "./plot-options.ts";

type Freshness = "loading" | "current" | "stale" | "locked";

const ANNOUNCEMENTS: Readonly<Record<Freshness, string>> = {
  loading: "",
  current: "Receiver connected, figures are live.",
  stale: "Receiver out of reach, figures are old.",
  locked: "",
};

/** Shows how fresh the figures are. */
export class ConnectionStatus {
  readonly #status = byId("status");
  readonly #banner = byId("banner");
  readonly #announcer = byId("announcer");
  #freshness: Freshness = "loading";
  #firing = 0;

  /** Shows the state at a time by the page's clock. */
  update(state: PageState, nowMillis: number): void {
    const freshness = freshnessOf(state, nowMillis);
    document.body.dataset["freshness"] = freshness;
    setText(this.#status, statusText(state, freshness, nowMillis));
    const banner = bannerText(state, freshness, nowMillis);
    setText(this.#banner, banner);
    setShown(this.#banner, banner !== "");
    if (freshness !== this.#freshness && this.#freshness !== "loading") this.#announce(ANNOUNCEMENTS[freshness]);
    this.#freshness = freshness;
  }

  /** Says how many alerts fire when there are more than before. */
  updateFiring(firing: number): void {
    if (firing > this.#firing) this.#announce(`${firing} ${firing === 1 ? "alert is" : "alerts are"} firing.`);
    this.#firing = firing;
  }

  #announce(text: string): void {
    setText(this.#announcer, text);
  }
}

function freshnessOf(state: PageState, nowMillis: number): Freshness {
  if (state.connection === "unauthorised") return "locked";
  if (isCurrent(state, nowMillis)) return "current";
  return state.connection === "connecting" ? "loading" : "stale";
}

function statusText(state: PageState, freshness: Freshness, nowMillis: number): string {
  const age = formatAge(nowMillis - state.receivedAtMillis);
  switch (freshness) {
    case "loading":
      return "connecting…";
    case "current":
      return `live, ${age} old`;
    case "stale":
      return state.view ? `not live, ${age} old` : "not connected";
    default:
      return "token needed";
  }
}

function bannerText({ view, reason, receivedAtMillis }: PageState, freshness: Freshness, nowMillis: number): string {
  if (freshness !== "stale") return "";
  const why = `${reason === "" ? "No answer from the receiver" : reason}. Trying again.`;
  const sentence = `${why.charAt(0).toUpperCase()}${why.slice(1)}`;
  if (view === undefined) return sentence;
  const age = formatAge(nowMillis - receivedAtMillis);
  return `${sentence} The figures below are ${age} old, from ${timeText(receivedAtMillis)}.`;
}
