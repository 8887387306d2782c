/**
 * Listens to the channels of Node's and undici's HTTP clients and settles each call once.
 */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientCall, SettleCall } from "./client-call.ts";
import type { FaultGuard } from "./fault-guard.ts";
import { NodeClientCall } from "./node-client-call.ts";
import type { ClientRequestMessage, ClientResponseMessage } from "./node-internals.ts";
import { SENT_MESSAGE } from "./sent-message.ts";
import { isSuppressed, isUnsuppressedExport } from "./suppression.ts";
import { UndiciCall, type UndiciRequest, type UndiciSocket } from "./undici-call.ts";

/** What the channels of undici have in common. */
interface UndiciMessage {
  readonly request: UndiciRequest;
  readonly socket: UndiciSocket;
  readonly response: { readonly statusCode: number };
  readonly chunk: string | Uint8Array;
  readonly error: Error;
}

/** Counts the calls of every client of the process between {@link start} and {@link stop}. */
export class HttpClientCounter {
  readonly #settle: SettleCall;
  /** Settles what began since the last start. */
  #settleSinceStart: SettleCall | undefined = undefined;
  readonly #guard: FaultGuard;
  readonly #listeners: readonly (readonly [channel: string, listener: (message: unknown) => void])[];
  readonly #undiciCalls = new WeakMap<UndiciRequest, UndiciCall>();

  /** `settle` gets each call once, with its final counts. */
  constructor(settle: SettleCall, guard: FaultGuard) {
    this.#settle = settle;
    this.#guard = guard;
    const undici = (action: (call: UndiciCall, message: UndiciMessage) => void) => (message: UndiciMessage) => {
      const call = this.#undiciCalls.get(message.request);
      if (call !== undefined) action(call, message);
    };
    const actions: Readonly<Record<string, (message: never) => void>> = {
      "http.client.request.created": ({ request }: ClientRequestMessage) => this.#create(request),
      "http.client.response.finish": (message: ClientResponseMessage) => this.#respond(message),
      "undici:request:create": ({ request }: UndiciMessage) => this.#createUndici(request),
      "undici:client:sendHeaders": undici((call, { socket }) => call.begin(socket)),
      "undici:request:headers": undici((call, { response }) => call.respond(response.statusCode)),
      "undici:request:bodyChunkSent": undici((call, { chunk }) => call.wrapped || call.send(chunk)),
      "undici:request:bodyChunkReceived": undici(
        (call, { chunk }) => call.wrapped || call.receive(chunk as Uint8Array),
      ),
      "undici:request:trailers": undici((call, { request }) => this.#end(call, request)),
      "undici:request:error": undici((call, { request, error }) => {
        call.fail(error);
        this.#end(call, request);
      }),
    };
    this.#listeners = Object.entries(actions).map(([channel, action]) => [
      channel,
      guard.wrap((message: unknown) => action(message as never)),
    ]);
  }

  /** Starts counting; calls already under way are not counted. */
  start(): void {
    if (this.#settleSinceStart !== undefined) return;
    const settle: SettleCall = (call: ClientCall) => {
      if (this.#settleSinceStart === settle) this.#settle(call);
    };
    this.#settleSinceStart = settle;
    for (const [channel, listener] of this.#listeners) subscribe(channel, listener);
  }

  /** Stops counting; calls still under way are dropped. */
  stop(): void {
    for (const [channel, listener] of this.#listeners) unsubscribe(channel, listener);
    this.#settleSinceStart = undefined;
  }

  #create(request: ClientRequestMessage["request"]): void {
    if (this.#settleSinceStart === undefined || isSuppressed() || isUnsuppressedExport(request)) return;
    const call = new NodeClientCall(request, this.#settleSinceStart, this.#guard);
    void call;
  }

  #respond({ request, response }: ClientResponseMessage): void {
    const call = (request as { readonly [SENT_MESSAGE]?: unknown })[SENT_MESSAGE];
    if (call instanceof NodeClientCall) call.respond(response, this.#guard);
  }

  #createUndici(request: UndiciRequest): void {
    if (request.method === "CONNECT" || isSuppressed()) return;
    this.#undiciCalls.set(request, new UndiciCall(request, this.#guard));
  }

  #end(call: UndiciCall, request: UndiciRequest): void {
    this.#undiciCalls.delete(request);
    this.#settleSinceStart?.(call);
  }
}
