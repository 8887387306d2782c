/** Answers what is no complete HTTP request: the parser gave up, or the sender was too slow. */
import type { Duplex } from "node:stream";

import type { FailureCode } from "../model/result.ts";
import { RETRY_AFTER_SECONDS } from "../model/answer-table.ts";

interface BrokenAnswer {
  readonly line: string;
  readonly code: FailureCode;
  readonly reason: string;
}

/** A slow network is no reason to lose data: 503, which clients retry, not 408, which they do not. */
const TOO_SLOW: BrokenAnswer = {
  line: "503 Service Unavailable",
  code: "unavailable",
  reason: "the request did not come in time",
};
const HEADERS_TOO_LARGE: BrokenAnswer = {
  line: "431 Request Header Fields Too Large",
  code: "too_large",
  reason: "the headers are too large",
};
const NOT_HTTP: BrokenAnswer = { line: "400 Bad Request", code: "invalid", reason: "the request is not valid HTTP" };

/**
 * Writes an answer to the bare socket and ends it; false when there is no one to answer any more. `encodeStatus` writes the
 * body, in JSON.
 */
export function answerBrokenRequest(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  encodeStatus: (code: FailureCode, reason: string) => Uint8Array,
): boolean {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return false;
  }
  const { line, code, reason } = answerTo(error.code);
  const body = encodeStatus(code, reason);
  const retry = code === "unavailable" ? `Retry-After: ${RETRY_AFTER_SECONDS}\r\n` : "";
  const head = `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${retry}Connection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body]));
  return true;
}

function answerTo(code: string | undefined): BrokenAnswer {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return TOO_SLOW;
  return code === "HPE_HEADER_OVERFLOW" ? HEADERS_TOO_LARGE : NOT_HTTP;
}
