/**
 * Counts response bodies in `write` and `end` of the outgoing message. Compression wraps above this, so the bytes are those
 * that go over the wire.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import { OutgoingMessage } from "node:http";
import { EXCHANGE, type Counted } from "./exchange.ts";
import type { FaultGuard } from "./fault-guard.ts";
import type { OutgoingInternals } from "./node-internals.ts";

type CountedMessage = OutgoingMessage & Counted & OutgoingInternals;
type Method = (this: CountedMessage, ...args: unknown[]) => unknown;
type Methods = Record<"write" | "end" | "uncork", Method>;

/** Starts counting; call the returned function to stop. Methods that someone wrapped since stay wrapped and pass through. */
export function countResponseBodies(guard: FaultGuard): () => void {
  const prototype = OutgoingMessage.prototype as unknown as Methods;
  const { write, end, uncork } = prototype;
  const own: Methods = {
    write: countingWrite(write, guard),
    end: countingEnd(end, guard),
    uncork: countingUncork(uncork, guard),
  };
  for (const name of METHOD_NAMES) replace(prototype, name, own[name]);
  return () => {
    for (const name of METHOD_NAMES) {
      if (prototype[name] === own[name]) replace(prototype, name, { write, end, uncork }[name]);
    }
  };
}

const METHOD_NAMES = ["write", "end", "uncork"] as const;

function replace(prototype: Methods, name: keyof Methods, method: Method): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  Object.defineProperty(prototype, name, { ...descriptor, value: method });
}

function countingWrite(original: Method, guard: FaultGuard): Method {
  return function write(this: CountedMessage, chunk?: unknown, encoding?: unknown, _callback?: unknown): unknown {
    const exchange = this[EXCHANGE];
    if (exchange === undefined || this.finished || this.destroyed) return original.apply(this, arguments as never);
    const corked = isCorked(this);
    const result = original.apply(this, arguments as never);
    try {
      if (this._hasBody !== false) exchange.addResponseBody(byteLength(chunk, encoding), corked);
    } catch (error) {
      guard.report(error);
    }
    return result;
  };
}

function countingEnd(original: Method, guard: FaultGuard): Method {
  return function end(this: CountedMessage, chunk?: unknown, encoding?: unknown, _callback?: unknown): unknown {
    const exchange = this[EXCHANGE];
    if (exchange === undefined || this.finished || this.destroyed) return original.apply(this, arguments as never);
    const corked = isCorked(this);
    const result = original.apply(this, arguments as never);
    try {
      if (this._hasBody !== false) {
        if (typeof chunk === "string" && !corked) exchange.addLastString(chunk, encodingOf(encoding));
        else if (chunk && typeof chunk !== "function") exchange.addResponseBody(byteLength(chunk, encoding), corked);
        exchange.closeCorkedChunk();
        exchange.addLastChunk();
      }
    } catch (error) {
      guard.report(error);
    }
    return result;
  };
}

function countingUncork(original: Method, guard: FaultGuard): Method {
  return function uncork(this: CountedMessage): unknown {
    const result = original.apply(this, arguments as never);
    try {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined && exchange.corkedBytes > 0 && this.writableCorked === 0) exchange.closeCorkedChunk();
    } catch (error) {
      guard.report(error);
    }
    return result;
  };
}

/** Whether what is written now is held back, to be sent as one chunk with what follows. */
function isCorked(message: CountedMessage): boolean {
  return message.chunkedEncoding && message.headersSent && message.writableCorked > 0;
}

function byteLength(chunk: unknown, encoding: unknown): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk, encodingOf(encoding)) : (chunk as Uint8Array).byteLength;
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8";
}
