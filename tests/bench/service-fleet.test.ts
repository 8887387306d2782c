/** The load of many series is what it says it is. */
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { POINTS_PER_REQUEST, ServiceFleet } from "../../bench/service-fleet.ts";
import { ServiceMetrics } from "../../bench/service-metrics.ts";
import type { MetricVisitor } from "../../src/model/metric-visitor.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";

const START_MILLIS = 1_700_000_000_000;
const NAME = /service-\d+/;

/** Notes the sums of whole messages, newest of each stream. */
class NewestSums implements MetricVisitor {
  readonly services = new Set<string>();
  readonly #newest = new Map<string, number>();
  #service = "";
  #metric = "";

  resource(body: Uint8Array, start: number, end: number): void {
    this.#service = NAME.exec(Buffer.from(body.subarray(start, end)).toString("latin1"))![0];
    this.services.add(this.#service);
  }
  scope(): boolean {
    return true;
  }
  metric({ name }: Parameters<MetricVisitor["metric"]>[0]): boolean {
    this.#metric = name;
    return true;
  }
  point(point: Parameters<MetricVisitor["point"]>[0]): void {
    if (this.#metric !== "bandwidth.http.server.io") return;
    const attributes = Buffer.from(point.body.subarray(point.attributesStart, point.attributesEnd)).toString("latin1");
    this.#newest.set(`${this.#service} ${attributes}`, point.intHigh * 2 ** 32 + point.intLow);
  }
  skipped(): void {
    throw new Error("every metric is wanted");
  }

  total(direction: string): number {
    return [...this.#newest].reduce((sum, [key, value]) => sum + (key.includes(direction) ? value : 0), 0);
  }
}

describe("a fleet of services", () => {
  it("exports every service once a pass, and adds up to what it says", async () => {
    const fleet = new ServiceFleet(37, START_MILLIS);
    const sums = new NewestSums();
    for (let pass = 1; pass <= 2; pass += 1) {
      const bodies = await fleet.pass(START_MILLIS + pass);
      expect(bodies).toHaveLength(37);
      for (const body of bodies) {
        expect(walkMetrics(gunzipSync(body), sums)).toEqual({ kind: "success", value: POINTS_PER_REQUEST });
      }
    }
    expect(sums.services.size).toBe(37);
    const { wireBytesIn, wireBytesOut } = fleet.totals();
    expect(sums.total("receive")).toBe(wireBytesIn);
    expect(sums.total("transmit")).toBe(wireBytesOut);
  });

  it("has told of nothing before it exports", () => {
    expect(new ServiceFleet(3, START_MILLIS).totals().requests).toBe(0);
    expect(new ServiceMetrics("service-1", 1, START_MILLIS, 1).totals.requests).toBeGreaterThan(0);
  });

  it("never exports twice at the same time", async () => {
    const fleet = new ServiceFleet(1, START_MILLIS);
    const [first] = await fleet.pass(START_MILLIS + 5);
    const [second] = await fleet.pass(START_MILLIS + 5);
    expect(gunzipSync(first!).equals(gunzipSync(second!))).toBe(false);
  });
});
