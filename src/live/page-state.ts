/** What the live page knows, and how what its source tells changes that. Pure. */
import type { HistoryJson, LiveJson } from "./live-json.ts";
import type { LiveEvent } from "./live-source.ts";

/** Everything that is drawn is made of this. */
export interface PageState {
  readonly connection: "connecting" | "live" | "unreachable" | "unauthorised";
  /** Why the receiver is out of reach, or does not accept the token; empty otherwise. */
  readonly reason: string;
  /** Whether a token was given and not accepted. */
  readonly tokenRejected: boolean;
  /** The latest figures. */
  readonly view: LiveJson | undefined;
  /** When they came, by the page's clock. */
  readonly receivedAtMillis: number;
  readonly history: HistoryJson | undefined;
  /** Views since the history's last step, oldest first. */
  readonly recentViews: readonly LiveJson[];
}

/** The state of a page that has just been opened. */
export const INITIAL_STATE: PageState = {
  connection: "connecting",
  reason: "",
  tokenRejected: false,
  view: undefined,
  receivedAtMillis: 0,
  history: undefined,
  recentViews: [],
};

/** How far back the page looks, milliseconds. */
export const SHOWN_MILLIS = 300_000;
/** Figures that are older are not called current, milliseconds: three requests without an answer. */
export const CURRENT_MILLIS = 7000;

/** The state after an event. */
export function nextState(state: PageState, event: LiveEvent): PageState {
  switch (event.kind) {
    case "history":
      return { ...state, history: event.history, recentViews: viewsAfter(state.recentViews, event.history) };
    case "view":
      return {
        ...state,
        connection: "live",
        reason: "",
        tokenRejected: false,
        view: event.view,
        receivedAtMillis: event.receivedAtMillis,
        recentViews: withView(state.recentViews, event.view),
      };
    case "unreachable":
      return { ...state, connection: "unreachable", reason: event.reason };
    default:
      // Figures of somebody whose token is no longer accepted are not left on the screen.
      return {
        ...INITIAL_STATE,
        connection: "unauthorised",
        tokenRejected: event.tokenGiven,
        reason: event.reason,
      };
  }
}

/** Whether the figures may be shown as those of now. */
export function isCurrent(state: PageState, nowMillis: number): boolean {
  return state.connection === "live" && nowMillis - state.receivedAtMillis <= CURRENT_MILLIS;
}

/** When the history's last step began, milliseconds since the epoch by the receiver's clock; 0 without one. */
export function lastStepMillis(history: HistoryJson | undefined): number {
  return history?.steps.at(-1)?.at ?? 0;
}

function viewsAfter(views: readonly LiveJson[], history: HistoryJson): readonly LiveJson[] {
  const last = lastStepMillis(history);
  return views.filter(({ at }) => at > last);
}

function withView(views: readonly LiveJson[], view: LiveJson): readonly LiveJson[] {
  // A receiver whose clock was set back starts anew: charts need times that grow.
  const kept = views.filter(({ at }) => at < view.at && at > view.at - SHOWN_MILLIS);
  return [...kept, view];
}
