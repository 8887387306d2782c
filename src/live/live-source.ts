/** The port of the live page: where its figures come from. {@link PollingSource} is the one there is. */
import type { HistoryJson, LiveJson } from "./live-json.ts";

/** What a source tells. */
export type LiveEvent =
  | { readonly kind: "history"; readonly history: HistoryJson }
  | { readonly kind: "view"; readonly view: LiveJson; readonly receivedAtMillis: number }
  /** The figures cannot be had now; the source goes on trying. */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** A token is needed, or the one given is not accepted; the source waits for another. */
  | { readonly kind: "unauthorised"; readonly tokenGiven: boolean; readonly reason: string };

/** A source of live figures. */
export interface LiveSource {
  /** Begins to tell the last minutes, then what is new. */
  start(listener: (event: LiveEvent) => void): void;
  /** Uses another token from now on, or none, and asks at once. */
  setToken(token: string | undefined): void;
  /** Rests while nobody looks. */
  pause(): void;
  /** Goes on after a rest, beginning with the last minutes. */
  resume(): void;
}
