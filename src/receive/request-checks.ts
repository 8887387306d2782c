/** What can be said about a request before its body is read: who may send, and in which form. */
import type { IncomingHttpHeaders } from "node:http";

import type { BodyContentType, BodyEncoding } from "../model/ingest-log.ts";
import { HTTP_STATUS } from "../model/answer-table.ts";
import type { Sender, SenderTokens } from "./sender-tokens.ts";
import type { FailureCode } from "../model/result.ts";

/** The path of OTLP metrics. */
export const METRICS_PATH = "/v1/metrics";

/** An answer that is not a success. */
export interface Refusal {
  readonly status: number;
  readonly code: FailureCode;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request whose body is worth reading. */
export interface CheckedRequest extends Sender {
  readonly contentType: BodyContentType;
  readonly encoding: BodyEncoding;
}

/** The parts of a request that are checked. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What a request is checked against. */
export interface RequestRules {
  readonly tokens: SenderTokens;
  readonly maxBodyBytes: number;
}

/** Builds a refusal with the status of its code, or another. */
export function refusal(
  code: FailureCode,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
  status: number = HTTP_STATUS[code],
): Refusal {
  return { status, code, reason, headers };
}

/** Checks, in this order: path, method, token, content type, content encoding, declared length. */
export function checkRequest(request: RequestHead, rules: RequestRules): CheckedRequest | Refusal {
  const { headers } = request;
  const path = (request.url ?? "").split("?", 1)[0];
  if (path !== METRICS_PATH) return refusal("unsupported", `there is only ${METRICS_PATH}`, {}, 404);
  if (request.method !== "POST") return refusal("unsupported", "only POST is allowed", { allow: "POST" }, 405);
  const sender = rules.tokens.senderOf(headers.authorization);
  if (sender === undefined) {
    return refusal("unauthenticated", "a valid bearer token is needed", { "www-authenticate": "Bearer" });
  }
  const contentType = contentTypeOf(headers["content-type"]);
  if (contentType === undefined) {
    return refusal("unsupported", "the content type must be application/x-protobuf or application/json");
  }
  const encoding = encodingOf(headers["content-encoding"]);
  if (encoding === undefined) {
    const accepted = { "accept-encoding": "gzip, zstd, identity" };
    return refusal("unsupported", "the content encoding must be gzip, zstd or identity", accepted);
  }
  if (Number(headers["content-length"] ?? 0) > rules.maxBodyBytes) return bodyTooLarge(rules.maxBodyBytes);
  return { contentType, encoding, tenant: sender.tenant };
}

/** The refusal of a body that is over the limit, whether by its declared length or as it comes in. */
export function bodyTooLarge(maxBodyBytes: number): Refusal {
  return refusal("too_large", `the body is larger than ${maxBodyBytes} bytes`);
}

/** The form of a media type; `undefined` for any that OTLP does not have. Parameters do not matter. */
export function contentTypeOf(header: string | undefined): BodyContentType | undefined {
  switch (header?.split(";", 1)[0]?.trim().toLowerCase()) {
    case "application/x-protobuf":
      return "protobuf";
    case "application/json":
      return "json";
    default:
      return undefined;
  }
}

function encodingOf(header: string | undefined): BodyEncoding | undefined {
  switch ((header ?? "").trim().toLowerCase()) {
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "zstd":
      return "zstd";
    default:
      return undefined;
  }
}
