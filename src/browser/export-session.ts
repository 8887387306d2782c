/**
 * Worker: all that is exported as one meeting and participant: instruments, the connection to the bridge, and its tokens. When
 * a token names another identity this session ends as the old one, and the engine begins another: what the receiver was told as
 * one identity is never told again as the next.
 */
import type { BridgeConnection, BridgeHooks } from "./bridge-connection.ts";
import { ExportLoop } from "./export-loop.ts";
import { PageMetrics } from "./page-metrics.ts";
import { retryDelayMillis } from "./retry-delay.ts";
import { tokenIdentity } from "./token-identity.ts";

/** What a session needs. */
export interface ExportSessionOptions extends Omit<BridgeHooks, "token"> {
  readonly url: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly emitThrottleMillis: number;
  readonly connect: (url: string, hooks: BridgeHooks) => BridgeConnection;
  /** The token of the first connection; absent: it is asked for, as all others are. */
  readonly firstToken: string | undefined;
  readonly askToken: () => Promise<string | undefined>;
  /** Called once at most: the page's token is for somebody else. From now on the session connects with the token it had. */
  readonly onOtherIdentity: (token: string) => void;
}

/** How often a session that was left tries to bring what it still has to the bridge. */
const LEAVE_ATTEMPTS = 3;

/** Exports as one identity. */
export class ExportSession {
  readonly metrics: PageMetrics;
  readonly exports: ExportLoop;
  readonly #options: ExportSessionOptions;
  readonly #bridge: BridgeConnection;
  #firstToken: string | undefined;
  /** The last token that could be read, and whom it is for. */
  #token: string | undefined;
  #identity: string | undefined;
  #left = false;
  #abandoned = false;

  /** Connects. */
  constructor(options: ExportSessionOptions) {
    const { url, connect, clock, random, onConfig, firstToken } = options;
    this.#options = options;
    this.#firstToken = firstToken;
    this.#token = firstToken;
    this.#identity = tokenIdentity(firstToken);
    this.metrics = new PageMetrics(options.resourceAttributes);
    this.#bridge = connect(url, { clock, random, onConfig, token: () => this.#nextToken() });
    this.exports = new ExportLoop({
      collect: () => this.metrics.collect(),
      transport: this.#bridge,
      emitThrottleMillis: options.emitThrottleMillis,
      nowMillis: clock.monotonicMillis(),
      random,
    });
  }

  /** Exports a last time and closes the connection. */
  async finish(): Promise<void> {
    await this.exports.finish(this.#options.clock.monotonicMillis());
    this.#bridge.close();
  }

  /** As {@link finish}, with a few more tries: the page stays, under another identity or with another engine. */
  async leave(): Promise<void> {
    const { clock, random } = this.#options;
    for (let attempt = 1; attempt <= LEAVE_ATTEMPTS; attempt += 1) {
      await this.exports.finish(clock.monotonicMillis());
      if (this.#abandoned) return;
      if (attempt === LEAVE_ATTEMPTS || (await this.metrics.collect()) === undefined) break;
      await new Promise<void>((resolve) => void clock.after(retryDelayMillis(attempt, random()), resolve));
      if (this.#abandoned) return;
    }
    this.#bridge.close();
  }

  /** Closes the connection of a session that {@link leave}s: what it has not brought to the bridge by now is lost. */
  abandon(): void {
    this.#abandoned = true;
    this.#bridge.close();
  }

  async #nextToken(): Promise<string | undefined> {
    const first = this.#firstToken;
    this.#firstToken = undefined;
    if (first !== undefined) return first;
    if (this.#left) return this.#token;
    const token = await this.#options.askToken();
    const identity = tokenIdentity(token);
    // Whoever asked twice gets the token of the session both times.
    if (this.#left) return this.#token;
    if (token === undefined || identity === undefined) return token;
    if (this.#identity !== undefined && identity !== this.#identity) {
      this.#left = true;
      this.#options.onOtherIdentity(token);
      return this.#token;
    }
    this.#identity = identity;
    this.#token = token;
    return token;
  }
}
