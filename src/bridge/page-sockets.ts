/**
 * Bridge: the namespace `/webrtc`. A page shows its token, is told its `config`, and sends `metrics`, each acknowledged when
 * the log has it.
 */
import type { Namespace, Socket } from "socket.io";
import type { Clock } from "../model/clock.ts";
import type { BodyEncoding } from "../model/ingest-log.ts";
import type { OtlpAcceptance, OtlpRequest, PageSender } from "../model/otlp-exchange.ts";
import { OutcomeCounts, type RequestOutcome } from "../model/outcome-counts.ts";
import { failure, messageOf, type Result, retryable } from "../model/result.ts";
import type { PageConfig } from "./page-config.ts";
import type { Participant, ParticipantConnection, Participants } from "./participants.ts";
import { answerOf, connectErrorOf, internalFault } from "./socket-answer.ts";
import { type EngineSocket, endConnection } from "./socket-engine.ts";
import type { TokenClaims } from "./token-claims.ts";
import { TokenDeadline } from "./token-deadline.ts";

/** Takes in what a page sent: success only when what was accepted of it is durable. */
export type TakePageMetrics = (request: OtlpRequest, page: PageSender) => Promise<Result<OtlpAcceptance>>;

/** What the namespace works with. */
export interface PageSocketsOptions {
  readonly clock: Clock;
  readonly verify: (token: unknown) => Promise<Result<TokenClaims>>;
  readonly take: TakePageMetrics;
  readonly participants: Participants;
  readonly config: PageConfig;
  readonly maxEventBytes: number;
  /** Told when a connection has shown a valid token. */
  readonly admitted: (connection: EngineSocket) => void;
  readonly report: (message: string) => void;
}

/** Events of one connection that wait for their answer; a page waits for each before it sends the next. */
const MAX_UNANSWERED = 4;

/** What the bridge knows of a connection. */
interface Session {
  readonly participant: Participant;
  readonly deadline: TokenDeadline;
  unanswered: number;
}

/** The sockets of pages. */
export class PageSockets {
  readonly #options: PageSocketsOptions;
  readonly #namespace: Namespace;
  readonly #claims = new WeakMap<Socket, TokenClaims>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #outcomes = new OutcomeCounts();
  #config: PageConfig;
  #isClosing = false;

  constructor(namespace: Namespace, options: PageSocketsOptions) {
    this.#options = options;
    this.#namespace = namespace;
    this.#config = options.config;
    namespace.use((socket, next) => void this.#decide(socket, next));
    namespace.on("connection", (socket) => this.#connected(socket));
  }

  /** Tells open pages, and those to come, another config. */
  configure(config: PageConfig): void {
    this.#config = config;
    this.#namespace.emit("config", config);
  }

  /** Events since start by what became of them. */
  get outcomes(): ReadonlyMap<RequestOutcome, number> {
    return this.#outcomes.counts();
  }

  /** Takes no more events, and resolves when those that were taken are answered. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async #decide(socket: Socket, next: (error?: Error) => void): Promise<void> {
    next(await this.#authenticate(socket).catch(internalFault));
  }

  async #authenticate(socket: Socket): Promise<Error | undefined> {
    if (this.#isClosing) return connectErrorOf(SHUTTING_DOWN);
    const claims = await this.#options.verify(socket.handshake.auth["token"]);
    if (claims.kind !== "success") return connectErrorOf(claims);
    if (claims.value.identity === undefined) {
      return connectErrorOf(failure("unauthenticated", "the token names no meeting and no participant"));
    }
    this.#claims.set(socket, claims.value);
    return undefined;
  }

  #connected(socket: Socket): void {
    const { expiresAtMillis, identity, tenant } = this.#claims.get(socket)!;
    const { clock, participants, admitted } = this.#options;
    const connection: ParticipantConnection = { replace: () => void socket.disconnect(true) };
    const participant = participants.join(identity!, tenant, connection);
    const deadline = new TokenDeadline(clock, expiresAtMillis, () => void socket.disconnect(true));
    const session: Session = { participant, deadline, unanswered: 0 };
    admitted(socket.conn);
    // What is no packet of Socket.IO ends the connection; unheard it would be printed.
    socket.on("error", () => undefined);
    socket.on("disconnect", () => {
      deadline.clear();
      participants.leave(participant, connection);
      // Outside of the namespace neither the participant's limits nor the token's end would reach it.
      endConnection(socket.conn, clock);
    });
    socket.on("metrics", (body: unknown, acknowledge: unknown) => {
      const answered = this.#acknowledge(session, body, acknowledge);
      this.#underWay.add(answered);
      void answered.finally(() => this.#underWay.delete(answered));
    });
    socket.emit("config", this.#config);
  }

  async #acknowledge(session: Session, body: unknown, acknowledge: unknown): Promise<void> {
    const result = await this.#result(session, body);
    this.#outcomes.addResult(result);
    if (typeof acknowledge === "function") acknowledge(answerOf(result));
  }

  async #result(session: Session, body: unknown): Promise<Result<OtlpAcceptance>> {
    if (session.unanswered >= MAX_UNANSWERED) return TOO_MANY_UNANSWERED;
    session.unanswered += 1;
    try {
      return await this.#take(session, body);
    } catch (error) {
      this.#options.report(`the bridge failed: ${messageOf(error)}`);
      return INTERNAL_FAULT;
    } finally {
      session.unanswered -= 1;
    }
  }

  async #take({ participant, deadline }: Session, body: unknown): Promise<Result<OtlpAcceptance>> {
    const { clock, maxEventBytes, take } = this.#options;
    const now = clock.monotonicMillis();
    if (!participant.rate.take(now)) return TOO_MANY_EVENTS;
    if (this.#isClosing) return SHUTTING_DOWN;
    if (deadline.hasPassed) return retryable("unauthenticated", "the token has expired");
    if (!(body instanceof Uint8Array)) return failure("invalid", "expected metrics as binary OTLP");
    if (body.length > maxEventBytes) return failure("too_large", `the event is larger than ${maxEventBytes} bytes`);
    const receivedAtMillis = clock.nowMillis();
    return take(
      { contentType: "protobuf", encoding: encodingOf(body), body, receivedAtMillis, tenant: participant.tenant },
      { identity: participant.identity, look: (inflated) => participant.series.check(inflated, now) },
    );
  }
}

const INTERNAL_FAULT = retryable("internal", "internal fault");
const SHUTTING_DOWN = retryable("unavailable", "the receiver is shutting down");
const TOO_MANY_UNANSWERED = retryable("overloaded", "too many events wait for their answer");
const TOO_MANY_EVENTS = retryable("overloaded", "the participant sends more events a minute than allowed");

/** OTLP in protobuf begins with the tag of its first field, never with gzip's mark (RFC 1952). */
function encodingOf(body: Uint8Array): BodyEncoding {
  return body[0] === 0x1f && body[1] === 0x8b ? "gzip" : "identity";
}
