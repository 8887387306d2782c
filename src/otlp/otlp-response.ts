/**
 * Writes the bodies of answers: `ExportMetricsServiceResponse` for 2xx, `google.rpc.Status` for all others, in the form
 * the request came in.
 */
import type { BodyContentType } from "../model/ingest-log.ts";
import type { OtlpAcceptance } from "../model/otlp-exchange.ts";
import { BYTES, VARINT } from "../model/protobuf-wire.ts";
import type { FailureCode } from "../model/result.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/** `google.rpc.Code` of each failure. */
export const RPC_CODES: Readonly<Record<FailureCode, number>> = {
  invalid: 3,
  unauthenticated: 16,
  too_large: 8,
  overloaded: 8,
  limited: 8,
  conflict: 10,
  unsupported: 12,
  internal: 13,
  unavailable: 14,
};

/** UTF-16 units of a message; OTLP asks servers to bound their answers. */
const MAX_MESSAGE_LENGTH = 4096;

const BAD_REQUEST_TYPE = "type.googleapis.com/google.rpc.BadRequest";
const RETRY_INFO_TYPE = "type.googleapis.com/google.rpc.RetryInfo";

const utf8 = new TextEncoder();

/** The body of a 2xx. Empty (`{}` in JSON) when nothing was rejected and there is nothing to warn of. */
export function encodeSuccess(contentType: BodyContentType, acceptance: OtlpAcceptance): Uint8Array {
  const { rejectedPoints } = acceptance;
  const message = bounded(acceptance.message);
  const isWhole = rejectedPoints === 0 && message === "";
  if (contentType === "json") {
    // 64-bit integers are text in protobuf's JSON; zero and "" are left out.
    const rejected = rejectedPoints === 0 ? {} : { rejectedDataPoints: String(rejectedPoints) };
    const reason = message === "" ? {} : { errorMessage: message };
    return utf8.encode(JSON.stringify(isWhole ? {} : { partialSuccess: { ...rejected, ...reason } }));
  }
  const writer = new ProtobufWriter();
  if (isWhole) return writer.finish();
  writer.tag(1, BYTES);
  writer.nested(() => {
    if (rejectedPoints !== 0) {
      writer.tag(1, VARINT);
      writer.varint64(BigInt(rejectedPoints));
    }
    writeText(writer, 2, message);
  });
  return writer.finish();
}

/** The body of a 4xx or 5xx. What can never be accepted (`invalid`) carries a `google.rpc.BadRequest` detail, too. */
export function encodeStatus(contentType: BodyContentType, code: FailureCode, reason: string): Uint8Array {
  const message = bounded(reason);
  if (contentType === "json") {
    const details = [{ "@type": BAD_REQUEST_TYPE, fieldViolations: [{ description: message }] }];
    return utf8.encode(JSON.stringify({ code: RPC_CODES[code], message, ...(code === "invalid" ? { details } : {}) }));
  }
  const writer = new ProtobufWriter();
  writer.tag(1, VARINT);
  writer.varint32(RPC_CODES[code]);
  writeText(writer, 2, message);
  if (code === "invalid") writeDetail(writer, BAD_REQUEST_TYPE, () => writeViolation(writer, message));
  return writer.finish();
}

/**
 * A `google.rpc.Status` for gRPC's `grpc-status-details-bin`; `retryAfterSeconds`: with a `RetryInfo` that says when to try again.
 */
export function encodeRpcStatus(code: number, reason: string, retryAfterSeconds?: number): Uint8Array {
  const writer = new ProtobufWriter();
  writer.tag(1, VARINT);
  writer.varint32(code);
  writeText(writer, 2, bounded(reason));
  if (retryAfterSeconds !== undefined) {
    writeDetail(writer, RETRY_INFO_TYPE, () => {
      // `RetryInfo.retry_delay` = 1, `Duration.seconds` = 1.
      writer.tag(1, BYTES);
      writer.nested(() => {
        writer.tag(1, VARINT);
        writer.varint32(retryAfterSeconds);
      });
    });
  }
  return writer.finish();
}

/** `Status.details` = 3, an `Any`: `type_url` = 1, `value` = 2. */
function writeDetail(writer: ProtobufWriter, type: string, value: () => void): void {
  writer.tag(3, BYTES);
  writer.nested(() => {
    writeText(writer, 1, type);
    writer.tag(2, BYTES);
    writer.nested(value);
  });
}

/** `BadRequest.field_violations` = 1, `FieldViolation.description` = 2. */
function writeViolation(writer: ProtobufWriter, description: string): void {
  writer.tag(1, BYTES);
  writer.nested(() => writeText(writer, 2, description));
}

function writeText(writer: ProtobufWriter, field: number, text: string): void {
  if (text === "") return;
  writer.tag(field, BYTES);
  writer.bytes(utf8.encode(text));
}

function bounded(message: string): string {
  return message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
}
