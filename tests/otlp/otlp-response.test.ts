import { describe, expect, test } from "vitest";

import type { FailureCode } from "../../src/model/result.ts";
import { encodeStatus, encodeSuccess, RPC_CODES } from "../../src/otlp/otlp-response.ts";
import { ResponseType, StatusType } from "./otlp-proto.ts";

function json(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body).toString());
}

describe("the body of a 200", () => {
  test("is empty, {} in JSON, when all was accepted", () => {
    expect(encodeSuccess("protobuf", { rejectedPoints: 0, message: "" }).length).toBe(0);
    expect(Buffer.from(encodeSuccess("json", { rejectedPoints: 0, message: "" })).toString()).toBe("{}");
  });

  test.each([
    [3, "too old"],
    [2 ** 40, ""],
    [0, "only a warning"],
  ])("says how many points were rejected and why: %i, %j", (rejectedPoints, message) => {
    const decoded = ResponseType.toObject(ResponseType.decode(encodeSuccess("protobuf", { rejectedPoints, message })), {
      longs: String,
    });
    const expected = {
      ...(rejectedPoints === 0 ? {} : { rejectedDataPoints: String(rejectedPoints) }),
      ...(message === "" ? {} : { errorMessage: message }),
    };
    expect(decoded).toEqual({ partialSuccess: expected });
    expect(json(encodeSuccess("json", { rejectedPoints, message }))).toEqual({ partialSuccess: expected });
  });
});

describe("the body of every other answer", () => {
  test.each(Object.entries(RPC_CODES) as [FailureCode, number][])("is a Status for %s", (code, rpcCode) => {
    expect(StatusType.decode(encodeStatus("protobuf", code, "why"))).toMatchObject({ code: rpcCode, message: "why" });
    expect(json(encodeStatus("json", code, "why"))).toMatchObject({ code: rpcCode, message: "why" });
  });

  test("carries a BadRequest when the request can never be accepted", () => {
    const type = "type.googleapis.com/google.rpc.BadRequest";
    expect(json(encodeStatus("json", "invalid", "why"))).toEqual({
      code: 3,
      message: "why",
      details: [{ "@type": type, fieldViolations: [{ description: "why" }] }],
    });
    const detail = Buffer.concat([
      Buffer.from([0x0a, type.length]),
      Buffer.from(type),
      Buffer.from("\x12\x07\x0a\x05\x12\x03why"),
    ]);
    const body = Buffer.from(encodeStatus("protobuf", "invalid", "why"));
    expect(body).toEqual(Buffer.concat([Buffer.from("\x08\x03\x12\x03why\x1a"), Buffer.of(detail.length), detail]));
  });

  test("is bounded, whatever the reason is made of", () => {
    const body = encodeStatus("protobuf", "unavailable", "😀".repeat(100_000));
    expect(body.length).toBeLessThan(20_000);
    expect(StatusType.decode(body)).toMatchObject({ message: "😀".repeat(2048) });
  });
});
