/**
 * The counted body sizes, exchange by exchange: scenarios give each request a route of its own, or each response a status.
 */

import type { Attributes } from "@opentelemetry/api";
import type { MetricBench } from "../support/metric-bench.ts";
import type { Bodies } from "./scenario.ts";

/** The events by which a server hands a request to its app. */
export const REQUEST_EVENTS = ["request", "checkContinue", "checkExpectation", "dropRequest"] as const;

/**
 * Body sizes in the order of their routes `/0`, `/1`, …; without routes in the order of their statuses, those without a status
 * last. What has the same attributes is averaged.
 */
export async function bodiesByRoute(metrics: MetricBench, side: "server" | "client"): Promise<Bodies[]> {
  const requests = await metrics.readings(`http.${side}.request.body.size`);
  const responses = await metrics.readings(`http.${side}.response.body.size`);
  const bodies: { readonly place: number; readonly bodies: Bodies }[] = [];
  for (const [index, { attributes, count, value }] of requests.entries()) {
    const response = responses[index];
    if (JSON.stringify(response?.attributes) !== JSON.stringify(attributes) || response?.count !== count)
      throw new Error("request and response sizes do not go together");
    const route = attributes["http.route"];
    const place = typeof route === "string" ? Number(route.slice(1)) : statusOf(attributes);
    for (let each = 0; each < count; each += 1)
      bodies.push({ place, bodies: { request: value / count, response: response.value / count } });
  }
  return bodies.sort((a, b) => (a.place === b.place ? 0 : a.place - b.place)).map((entry) => entry.bodies);
}

function statusOf(attributes: Attributes): number {
  return Number(attributes["http.response.status_code"] ?? Number.POSITIVE_INFINITY);
}
