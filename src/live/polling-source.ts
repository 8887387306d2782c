/**
 * Live figures by asking for them. The receiver's figures change every few seconds at most, so two small requests a page do
 * what a socket would, through any proxy, and the page stays small: see docs/decisions/live-page-polls.md.
 */
import type { Clock, Timer } from "../model/clock.ts";
import { asHistoryJson, asLiveJson, isRecord } from "./live-json.ts";
import type { LiveEvent, LiveSource } from "./live-source.ts";

/** What a source asks with. */
export interface PollingSourceOptions {
  readonly clock: Clock;
  /** The page's `fetch`. */
  readonly fetch: (path: string, init: { headers: Record<string, string>; signal: AbortSignal }) => Promise<Response>;
  readonly token: string | undefined;
}

/** Between two requests for what is new, milliseconds. */
export const POLL_INTERVAL_MILLIS = 2000;
/** The round trips of the heatmap come with the history only: it is read again every so many requests. */
export const POLLS_PER_HISTORY = 5;
/** The longest wait between two attempts while the receiver is out of reach, milliseconds. */
const MAX_RETRY_MILLIS = 10_000;
const REQUEST_TIMEOUT_MILLIS = 5000;

/** An answer's body, or why there is none. */
type Asked =
  | { readonly kind: "body"; readonly body: unknown }
  | Extract<LiveEvent, { kind: "unauthorised" | "unreachable" }>;

/** Asks `/api/live` every two seconds, and `/api/live/history` at the beginning and now and then. */
export class PollingSource implements LiveSource {
  readonly #options: PollingSourceOptions;
  #token: string | undefined;
  #listener: (event: LiveEvent) => void = () => undefined;
  #timer: Timer | undefined;
  #running = false;
  #pollsUntilHistory = 0;
  #failures = 0;
  /** Answers to an earlier round (another token, before a pause) are not told. */
  #round = 0;

  constructor(options: PollingSourceOptions) {
    this.#options = options;
    this.#token = options.token;
  }

  start(listener: (event: LiveEvent) => void): void {
    this.#listener = listener;
    this.resume();
  }

  setToken(token: string | undefined): void {
    this.#token = token;
    this.pause();
    this.resume();
  }

  pause(): void {
    this.#running = false;
    this.#round += 1;
    this.#timer?.clear();
  }

  resume(): void {
    if (this.#running) return;
    this.#running = true;
    this.#pollsUntilHistory = 0;
    this.#failures = 0;
    void this.#poll(++this.#round);
  }

  async #poll(round: number): Promise<void> {
    const withHistory = this.#pollsUntilHistory === 0;
    const [history, live] = await Promise.all([
      withHistory ? this.#ask("api/live/history") : undefined,
      this.#ask("api/live"),
    ]);
    if (round !== this.#round) return;
    const events = [history && historyEvent(history), viewEvent(live, this.#options.clock.nowMillis())];
    const told = events.filter((event) => event !== undefined);
    const locked = told.find(({ kind }) => kind === "unauthorised");
    if (locked) {
      this.#running = false;
      this.#listener(locked);
      return;
    }
    const failed = told.find(({ kind }) => kind === "unreachable");
    for (const event of failed ? [failed] : told) this.#listener(event);
    this.#failures = failed ? this.#failures + 1 : 0;
    // After a gap the history tells what was missed.
    this.#pollsUntilHistory = failed ? 0 : withHistory ? POLLS_PER_HISTORY - 1 : this.#pollsUntilHistory - 1;
    const delay = Math.min(MAX_RETRY_MILLIS, POLL_INTERVAL_MILLIS * 2 ** Math.max(0, this.#failures - 1));
    this.#timer = this.#options.clock.after(delay, () => void this.#poll(round));
  }

  async #ask(path: string): Promise<Asked> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (this.#token !== undefined) headers["authorization"] = `Bearer ${this.#token}`;
    const timeout = new AbortController();
    const timer = this.#options.clock.after(REQUEST_TIMEOUT_MILLIS, () => timeout.abort());
    try {
      const response = await this.#options.fetch(path, { headers, signal: timeout.signal });
      const body: unknown = await response.json();
      if (response.status === 401 || response.status === 403) {
        return { kind: "unauthorised", tokenGiven: this.#token !== undefined, reason: reasonIn(body) ?? "" };
      }
      if (response.ok) return { kind: "body", body };
      return { kind: "unreachable", reason: reasonIn(body) ?? `the receiver answered ${response.status}` };
    } catch {
      const reason = timeout.signal.aborted ? "the receiver did not answer in time" : "the receiver cannot be reached";
      return { kind: "unreachable", reason };
    } finally {
      timer.clear();
    }
  }
}

function viewEvent(asked: Asked, receivedAtMillis: number): LiveEvent {
  if (asked.kind !== "body") return asked;
  const view = asLiveJson(asked.body);
  return view ? { kind: "view", view, receivedAtMillis } : otherForm();
}

function historyEvent(asked: Asked): LiveEvent {
  if (asked.kind !== "body") return asked;
  const history = asHistoryJson(asked.body);
  return history ? { kind: "history", history } : otherForm();
}

function otherForm(): LiveEvent {
  return { kind: "unreachable", reason: "the answer is not that of this version's receiver; load the page again" };
}

function reasonIn(body: unknown): string | undefined {
  return isRecord(body) && typeof body["error"] === "string" ? body["error"] : undefined;
}
