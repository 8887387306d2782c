/**
 * Counts the bodies of outgoing messages in `write` and `end`. Compression wraps above this, so the bytes are those that go
 * over the wire. Informational responses (1xx) are counted where they are written.
 */
/* oxlint-disable no-underscore-dangle -- the underscored names are Node's */

import { OutgoingMessage, ServerResponse } from "node:http";
import type { FaultGuard } from "./fault-guard.ts";
import type { OutgoingInternals } from "./node-internals.ts";
import { SENT_MESSAGE, type SentMessage } from "./sent-message.ts";

type CountedMessage = OutgoingMessage & OutgoingInternals & { readonly [SENT_MESSAGE]?: SentMessage };
type Method = (this: CountedMessage, ...args: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;
/** A method that counts and then does, or does and then counts, what `original` does. */
type Counting = (original: Method, guard: FaultGuard) => Method;

const MESSAGE_METHODS: Readonly<Record<string, Counting>> = {
  write: countingWrite,
  end: countingEnd,
  uncork: countingUncork,
};
/** All others go through the first, where Node has it. */
const INFORMATIONAL_METHODS = ["writeInformation", "writeContinue", "writeProcessing", "writeEarlyHints"] as const;

/** Starts counting; call the returned function to stop. Methods that someone wrapped since stay wrapped and pass through. */
export function countSentBodies(guard: FaultGuard): () => void {
  const messages = OutgoingMessage.prototype as unknown as Methods;
  const responses = ServerResponse.prototype as unknown as Methods;
  const informational = responses["writeInformation"] === undefined ? INFORMATIONAL_METHODS : ["writeInformation"];
  const undo = [
    ...Object.entries(MESSAGE_METHODS).map(([name, counting]) => replace(messages, name, counting, guard)),
    ...informational.map((name) => replace(responses, name, countingInformation, guard)),
  ];
  return () => {
    for (const putBack of undo) putBack();
  };
}

function replace(prototype: Methods, name: string, counting: Counting, guard: FaultGuard): () => void {
  const original = prototype[name];
  if (original === undefined) return () => {};
  const own = counting(original, guard);
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  Object.defineProperty(prototype, name, { ...descriptor, value: own });
  return () => {
    if (prototype[name] === own) Object.defineProperty(prototype, name, { ...descriptor, value: original });
  };
}

function countingWrite(original: Method, guard: FaultGuard): Method {
  return function write(this: CountedMessage, chunk?: unknown, encoding?: unknown, _callback?: unknown): unknown {
    const sent = this[SENT_MESSAGE];
    if (sent === undefined || this.finished || this.destroyed) return original.apply(this, arguments as never);
    const corked = isCorked(this);
    const result = original.apply(this, arguments as never);
    try {
      if (this._hasBody !== false) sent.addBody(byteLength(chunk, encoding), corked);
    } catch (error) {
      guard.report(error);
    }
    return result;
  };
}

function countingEnd(original: Method, guard: FaultGuard): Method {
  return function end(this: CountedMessage, chunk?: unknown, encoding?: unknown, _callback?: unknown): unknown {
    const sent = this[SENT_MESSAGE];
    if (sent === undefined || this.finished || this.destroyed) return original.apply(this, arguments as never);
    const corked = isCorked(this);
    const result = original.apply(this, arguments as never);
    try {
      if (this._hasBody !== false) {
        if (typeof chunk === "string" && !corked) sent.addLastString(chunk, encodingOf(encoding));
        else if (chunk && typeof chunk !== "function") sent.addBody(byteLength(chunk, encoding), corked);
        sent.closeCorkedChunk();
        sent.addLastChunk();
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
      const sent = this[SENT_MESSAGE];
      if (sent !== undefined && sent.corkedBytes > 0 && this.writableCorked === 0) sent.closeCorkedChunk();
    } catch (error) {
      guard.report(error);
    }
    return result;
  };
}

function countingInformation(original: Method, guard: FaultGuard): Method {
  return function writeInformation(this: CountedMessage): unknown {
    const sent = this[SENT_MESSAGE];
    if (sent === undefined) return original.apply(this, arguments as never);
    const before = writtenBytes(this);
    const result = original.apply(this, arguments as never);
    try {
      const bytes = writtenBytes(this) - before;
      if (Number.isFinite(bytes)) sent.informationalBytes += bytes;
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

/** What was written to the socket, and what waits for it in the message. */
function writtenBytes(message: CountedMessage): number {
  return (message.socket?.bytesWritten ?? 0) + message.outputSize;
}

function byteLength(chunk: unknown, encoding: unknown): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk, encodingOf(encoding)) : (chunk as Uint8Array).byteLength;
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8";
}
