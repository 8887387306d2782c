/**
 * Counts incoming bodies, a server's requests and a client's responses, where the parser hands them over: bodies the app never
 * reads are counted too.
 */

import type { IncomingMessage } from "node:http";
import type { BodyCallback, RequestParser, ServerSocket } from "./node-internals.ts";
import { SENT_MESSAGE, type SentMessage } from "./sent-message.ts";

const PARSER_SLOTS = 8;
const BODY_CALLBACK_NAME = "parserOnBody";
/** Marks our callback: parsers are pooled and must not be wrapped twice. */
const COUNTING: unique symbol = Symbol.for("otel-bandwidth.http.counting-body-callback") as never;

/** A message of which the body is counted. */
interface Counted {
  readonly [SENT_MESSAGE]?: SentMessage;
}

interface MarkedCallback extends BodyCallback {
  [COUNTING]?: true;
}

const counting = new WeakMap<BodyCallback, BodyCallback>();

/** Makes the parser of `socket` count bodies. Returns false if this Node has no callback we know. */
export function countParserBodies(socket: ServerSocket): boolean {
  const parser = socket.parser;
  if (parser === null || parser === undefined) return false;
  for (let slot = 0; slot < PARSER_SLOTS; slot += 1) {
    const callback: MarkedCallback | undefined = parser[slot];
    if (typeof callback !== "function") continue;
    if (callback[COUNTING] === true) return true;
    if (callback.name !== BODY_CALLBACK_NAME) continue;
    parser[slot] = countingCallback(callback);
    return true;
  }
  return false;
}

/** The fallback where the parser's callback is not found: counts what is pushed into the stream. */
export function countPushedBody(message: IncomingMessage): void {
  const push = message.push;
  message.push = function countingPush(chunk: unknown, encoding?: BufferEncoding): boolean {
    const exchange = (message as Counted)[SENT_MESSAGE];
    // Node pushes bytes; what an app puts into the stream itself never came over the wire.
    if (exchange !== undefined && chunk instanceof Uint8Array) exchange.receivedBodyBytes += chunk.byteLength;
    return push.call(message, chunk, encoding);
  };
}

function countingCallback(original: BodyCallback): BodyCallback {
  const known = counting.get(original);
  if (known !== undefined) return known;
  const callback: MarkedCallback = function countingParserOnBody(this: RequestParser, body: Uint8Array): unknown {
    const incoming = this.incoming as Counted | null;
    const exchange = incoming === null ? undefined : incoming[SENT_MESSAGE];
    if (exchange !== undefined) exchange.receivedBodyBytes += body.length;
    return original.call(this, body);
  };
  callback[COUNTING] = true;
  counting.set(original, callback);
  return callback;
}
