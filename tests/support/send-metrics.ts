/** Sends metrics to a receiver, as an exporter would. */
import { otlpRequest, type TestMetric } from "./otlp-request.ts";

/** Now, nanoseconds since the Unix epoch. */
export function nowNanos(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

let latest = 0n;

/** A time after every one that was given before, about now. */
export function nextNanos(): bigint {
  const now = nowNanos();
  latest = (now > latest ? now : latest) + 1_000_000n;
  return latest;
}

/** Bytes a server received, as one cumulative point that starts with its process. */
export function receivedBytes(value: bigint, start: bigint, time: bigint = nextNanos()): TestMetric {
  const point = { attributes: { "network.io.direction": "receive" }, start, time, value };
  return { name: "bandwidth.http.server.io", unit: "By", sum: [point] };
}

/** Posts a request; `origin` is that of the OTLP server. */
export function postMetrics(
  origin: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${origin}/v1/metrics`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", ...headers },
    body: Buffer.from(body),
  });
}

/** Posts one metric of one service. */
export function postMetric(origin: string, metric: TestMetric): Promise<Response> {
  return postMetrics(origin, otlpRequest([{ metrics: [metric] }]));
}
