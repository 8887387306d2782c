import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OtlpForwarder, type OtlpForwarderOptions } from "../../src/bridge/otlp-forwarder.ts";
import { systemClock } from "../../src/model/clock.ts";
import type { OtlpRequest } from "../../src/model/otlp-exchange.ts";
import { failure, retryable, success } from "../../src/model/result.ts";
import { createOpenBody } from "../../src/otlp/open-body.ts";
import { stampRequest } from "../../src/otlp/stamp-request.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { freePort } from "../support/free-port.ts";
import { otlpRequest } from "../support/otlp-request.ts";

const NOW_MILLIS = 1_800_000_000_000;
const IDENTITY = { meeting: "m", participant: "p" };
const BODY = otlpRequest([
  { metrics: [{ name: "webrtc.packets", unit: "{packet}", sum: [{ start: 1n, time: 2n, value: 5n }] }] },
]);

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let collector: Server;
let received: Received[];
let answer: (response: ServerResponse) => void;
let reports: string[];

beforeEach(async () => {
  [received, reports] = [[], []];
  answer = (response) => void response.writeHead(200).end();
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      received.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks) });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => void collector.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  collector.closeAllConnections();
  collector.close();
});

function forwarder(changes: Partial<OtlpForwarderOptions> = {}): OtlpForwarder {
  return new OtlpForwarder({
    url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    clock: systemClock,
    openBody: createOpenBody({ maxInflatedBytes: 10_000, maxConcurrent: 1 }),
    stamp: stampRequest,
    gate: () => success(undefined),
    timeoutMillis: 5000,
    maxInFlight: 10,
    report: (message) => void reports.push(message),
    ...changes,
  });
}

const request = (body: Uint8Array, encoding: OtlpRequest["encoding"] = "identity"): OtlpRequest => ({
  contentType: "protobuf",
  encoding,
  body,
  receivedAtMillis: NOW_MILLIS,
});

describe("what a page sent", () => {
  it("goes to the Collector compressed, with the identity in it, and is accepted when that has it", async () => {
    const outcome = await forwarder({ token: "secret" }).accept(request(gzipSync(BODY), "gzip"), {
      identity: IDENTITY,
    });
    expect(outcome).toEqual(success({ rejectedPoints: 0, message: "" }));
    const [{ path, headers, body }] = received as [Received];
    expect(path).toBe("/v1/metrics");
    expect(headers).toMatchObject({
      "content-type": "application/x-protobuf",
      "content-encoding": "gzip",
      authorization: "Bearer secret",
    });
    const stamped = stampRequest(BODY, IDENTITY, NOW_MILLIS);
    expect(stamped.kind === "success" && Buffer.compare(gunzipSync(body), stamped.value)).toBe(0);
  });

  it("goes to the path that is given, if one is", async () => {
    const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/tenant/v1/metrics`;
    await forwarder({ url }).accept(request(BODY), { identity: IDENTITY });
    expect(received[0]?.path).toBe("/tenant/v1/metrics");
  });

  it.each([429, 502, 503, 504])("may be sent again when the Collector answers %s", async (status) => {
    answer = (response) => void response.writeHead(status).end("busy");
    const outcome = await forwarder().accept(request(BODY), { identity: IDENTITY });
    expect(outcome).toEqual(retryable("unavailable", `the Collector answered ${status}`));
  });

  it.each([302, 400, 401, 413, 500])("is refused for good when it answers %s", async (status) => {
    answer = (response) => void response.writeHead(status, { location: "/elsewhere" }).end("no");
    const outcome = await forwarder().accept(request(BODY), { identity: IDENTITY });
    expect(outcome).toEqual(failure("invalid", `the Collector answered ${status}`));
    expect(received.length).toBe(1);
  });

  it("may be sent again when the Collector cannot be reached", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const outcome = await forwarder({ url }).accept(request(BODY), { identity: IDENTITY });
    expect(outcome).toMatchObject({ kind: "retryable", reason: expect.stringContaining("ECONNREFUSED") });
  });

  it("may be sent again when the Collector does not answer in time", async () => {
    const clock = new FakeClock(NOW_MILLIS);
    answer = () => undefined;
    const outcome = forwarder({ clock }).accept(request(BODY), { identity: IDENTITY });
    await vi.waitFor(() => expect(received.length).toBe(1));
    await clock.advance(5000);
    expect(await outcome).toEqual(
      retryable("unavailable", "the Collector cannot be reached: it does not answer in time"),
    );
  });

  it("waits with no more than so many others", async () => {
    let finish = (): void => undefined;
    answer = (response) => (finish = () => void response.writeHead(200).end());
    const one = forwarder({ maxInFlight: 1 });
    const first = one.accept(request(BODY), { identity: IDENTITY });
    expect(await one.accept(request(BODY), { identity: IDENTITY })).toMatchObject({ code: "overloaded" });
    await vi.waitFor(() => expect(received.length).toBe(1));
    finish();
    expect((await first).kind).toBe("success");
    answer = (response) => void response.writeHead(200).end();
    expect((await one.accept(request(BODY), { identity: IDENTITY })).kind).toBe("success");
  });

  it("is not sent when it is refused before: a bomb, no gzip, a look that says no, a closed gate", async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    expect(await forwarder().accept(request(bomb, "gzip"), { identity: IDENTITY })).toMatchObject({
      code: "too_large",
    });
    expect(await forwarder().accept(request(BODY, "gzip"), { identity: IDENTITY })).toMatchObject({ code: "invalid" });
    const no = failure("too_large", "no");
    expect(await forwarder().accept(request(BODY), { identity: IDENTITY, look: () => no })).toBe(no);
    const closed = retryable("unavailable", "closed");
    expect(await forwarder({ gate: () => closed }).accept(request(BODY), { identity: IDENTITY })).toBe(closed);
    expect(received).toEqual([]);
  });

  it("is not held up by an answer that never ends", async () => {
    answer = (response) => {
      response.writeHead(200);
      response.write(Buffer.alloc(200_000));
    };
    expect((await forwarder().accept(request(BODY), { identity: IDENTITY })).kind).toBe("success");
  });
});

it("the operator is told when the Collector begins to refuse, and not at every event", async () => {
  const one = forwarder();
  for (const status of [200, 401, 401, 503, 200, 401]) {
    answer = (response) => void response.writeHead(status).end();
    await one.accept(request(BODY), { identity: IDENTITY });
  }
  expect(reports).toEqual(["the Collector answered 401", "the Collector answered 503", "the Collector answered 401"]);
});
