/** Everything that a real call needs: browser, page, receiver, TURN server; and calls held in it from beginning to end. */
import {
  type BrowserCounts,
  Call,
  CallSite,
  type CallOptions,
  type Participant,
  type ScriptedPage,
  type SeenSample,
} from "./call-page.ts";
import { MeetingReceiver, type ParticipantTotals } from "./meeting-receiver.ts";
import { SESSION_LIFETIME_SECONDS, startTurnServer, type TurnServer, type TurnUsage } from "./turn-server.ts";
import { WebsocketTap } from "./websocket-tap.ts";

/** A browser that a call is held in. */
export interface CallBrowser {
  newPage(): Promise<ScriptedPage & { close(): Promise<unknown> }>;
}

/** Of a call that waits for packets. */
const MOST_SECONDS = 120;

/** How a call is to go. */
export interface CallPlan {
  readonly meeting: string;
  /** How the caller reaches the TURN server; without it the call is direct. */
  readonly relay?: "udp" | "tcp";
  /** A UDP proxy to reach the TURN server through. */
  readonly proxyPort?: number;
  readonly video?: CallOptions["video"];
  readonly microphones?: number;
  /** At least. */
  readonly seconds: number;
  /** Packets that the caller's transport is to have counted before the end; a call that gets nowhere ends all the same. */
  readonly packets?: number;
  /** How long the connections stay after the last packet of media: until the peers have reported on it. Default 0. */
  readonly silentSeconds?: number;
  /** What happens meanwhile; the call goes on until both this and the time are over. */
  readonly meanwhile?: (call: Call, tap: WebsocketTap, tokens: CallOptions["tokens"]) => Promise<void>;
}

/** A call that has ended. Times are those of `Date.now`. */
export interface EndedCall {
  readonly meeting: string;
  readonly connectedAtMillis: number;
  /** When the caller's monitor was told that it is over. */
  readonly endedAtMillis: number;
  readonly samples: Readonly<Record<Participant, readonly SeenSample[]>>;
  readonly counts: Readonly<Record<Participant, { before: BrowserCounts; after: BrowserCounts }>>;
  /** What the TURN server counted of the caller: all of it, unless a proxy was between them. */
  readonly usage: TurnUsage;
  /** What the bridge was sent. */
  readonly tap: WebsocketTap;
  readonly tokens: CallOptions["tokens"];
}

/** Everything but the browser. */
export class MeetingWorld {
  readonly turn: TurnServer;
  readonly receiver: MeetingReceiver;
  readonly #site: CallSite;
  readonly #taps: WebsocketTap[] = [];

  private constructor(turn: TurnServer, site: CallSite, receiver: MeetingReceiver) {
    this.turn = turn;
    this.#site = site;
    this.receiver = receiver;
  }

  /** Starts it all, on loopback. */
  static async start(): Promise<MeetingWorld> {
    const site = await CallSite.start();
    return new MeetingWorld(await startTurnServer(), site, await MeetingReceiver.start(site.url));
  }

  /** Holds a call in a page of its own. */
  async hold(browser: CallBrowser, plan: CallPlan): Promise<EndedCall> {
    const { meeting, seconds, packets = 0, silentSeconds = 0, meanwhile, video, microphones = 1 } = plan;
    const tap = await WebsocketTap.start(this.receiver.bridgePort);
    this.#taps.push(tap);
    const tokens = {
      caller: await this.receiver.token(meeting, "caller"),
      callee: await this.receiver.token(meeting, "callee"),
    };
    const page = await browser.newPage();
    const turn = this.#turnOf(plan);
    const call = await Call.start(page, this.#site, {
      bridge: tap.url,
      tokens,
      microphones,
      ...(turn === undefined ? {} : { turn }),
      ...(video === undefined ? {} : { video }),
    });
    const connectedAtMillis = Date.now();
    await Promise.all([passed(seconds), counted(call, packets), meanwhile?.(call, tap, tokens)]);
    await call.silence();
    await passed(silentSeconds);
    const endedAtMillis = Date.now();
    const counts = await call.end();
    const samples = { caller: await call.samples("caller"), callee: await call.samples("callee") };
    // A proxy may have dropped the farewell.
    if (plan.relay !== undefined && plan.proxyPort === undefined) await this.#sessionEnded(meeting);
    await page.close();
    return {
      meeting,
      connectedAtMillis,
      endedAtMillis,
      samples,
      counts,
      tap,
      tokens,
      usage: this.turn.usage(meeting),
    };
  }

  /** What SQL says; once {@link settle} is through. */
  totals({ meeting }: EndedCall, participant: Participant): ParticipantTotals {
    return this.receiver.totals(meeting, participant);
  }

  /** Ends the receiver, which brings everything that was acknowledged into SQL. */
  async settle(): Promise<void> {
    await Promise.all(this.#taps.map((tap) => tap.close()));
    await this.receiver.stop();
  }

  /** Ends everything and deletes its data. */
  async end(): Promise<void> {
    await this.settle();
    await this.turn.stop();
    await this.#site.close();
    this.receiver.remove();
  }

  #turnOf({ meeting, relay, proxyPort }: CallPlan): CallOptions["turn"] {
    if (relay === undefined) return undefined;
    return {
      url: `turn:127.0.0.1:${proxyPort ?? this.turn.port}?transport=${relay}`,
      ...this.turn.credentials(meeting),
    };
  }

  async #sessionEnded(meeting: string): Promise<void> {
    // Over UDP a busy machine may lose the farewell.
    const deadline = Date.now() + (SESSION_LIFETIME_SECONDS + 10) * 1_000;
    while (!this.turn.hasEnded(meeting)) {
      if (Date.now() > deadline) throw new Error(`coturn has not ended the session of ${meeting}`);
      await passed(0.1);
    }
  }
}

/** A busy machine sends less in the same time: what a figure rests on is counted, not timed. */
async function counted(call: Call, packets: number): Promise<void> {
  const deadline = Date.now() + MOST_SECONDS * 1_000;
  while (Date.now() < deadline && (await call.counts("caller")).packets < packets) await passed(1);
}

/** Real time has to pass in a real call. */
export function passed(seconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, seconds * 1_000));
}
