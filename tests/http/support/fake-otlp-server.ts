/**
 * An OTLP/HTTP JSON receiver that keeps what it gets.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

interface JsonValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}

export interface JsonPoint {
  readonly attributes: readonly { readonly key: string; readonly value: JsonValue }[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly count?: number;
  readonly sum?: number;
  readonly scale?: number;
  readonly asInt?: number | string;
}

interface JsonMetric {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly JsonPoint[] };
  readonly histogram?: { readonly dataPoints: readonly JsonPoint[] };
  readonly exponentialHistogram?: { readonly dataPoints: readonly JsonPoint[] };
}

interface JsonRequest {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly JsonMetric[] }[];
  }[];
}

export class FakeOtlpServer implements AsyncDisposable {
  readonly requests: JsonRequest[] = [];
  readonly paths: string[] = [];
  readonly #server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const body = Buffer.concat(pieces);
      this.paths.push(request.url ?? "");
      this.requests.push(
        JSON.parse(String(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body)) as JsonRequest,
      );
      response.setHeader("Content-Type", "application/json").end("{}");
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The points of `metric` in the last request that has it. */
  points(metric: string): readonly JsonPoint[] {
    for (const request of this.requests.toReversed()) {
      const metrics = request.resourceMetrics.flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap((scope) => scope.metrics),
      );
      const found = metrics.find(({ name }) => name === metric);
      if (found !== undefined) return (found.exponentialHistogram ?? found.histogram ?? found.sum)?.dataPoints ?? [];
    }
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Attributes as a plain object. */
export function attributesOf(point: JsonPoint | undefined): Record<string, string | number | undefined> {
  return Object.fromEntries(
    (point?.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}
