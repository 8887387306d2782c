/** Fold, inside: what a stream adds to: the columns by its metric and attributes, the series by its resource and attributes. */
import type { PlainAttributes, PlainValue } from "../model/attributes.ts";
import type { MetricMeaning } from "../model/metric-meaning.ts";
import { ATTRIBUTES } from "../model/metric-names.ts";
import type { ResourceDimensions } from "../model/resource-identity.ts";
import type { SeriesTable } from "./series-table.ts";
import type { StreamTarget } from "./streams.ts";

/** The target of a stream with these attributes. */
export function streamTarget(
  meaning: MetricMeaning,
  resource: ResourceDimensions,
  attributes: PlainAttributes,
  series: SeriesTable,
): StreamTarget {
  const isHttp = meaning.protocol === "http";
  const dimensions = {
    protocol: meaning.protocol,
    namespace: resource.namespace,
    service: resource.service,
    environment: resource.environment,
    side: meaning.side,
    method: isHttp ? text(attributes.get(ATTRIBUTES.requestMethod)) : "",
    route: isHttp ? text(attributes.get(ATTRIBUTES.route)) : "",
    statusCode: isHttp ? statusCode(attributes.get(ATTRIBUTES.statusCode)) : 0,
    meetingId: isHttp ? "" : resource.meetingId,
    participantId: isHttp ? "" : resource.participantId,
  };
  const found = series.series(dimensions);
  // Five streams of a series hold one copy of its names, not five.
  return {
    columns: meaning.columns(attributes),
    dimensions: found.isOverflow ? dimensions : found.dimensions,
    series: found,
  };
}

function text(value: PlainValue | undefined): string {
  return value === undefined ? "" : String(value);
}

function statusCode(value: PlainValue | undefined): number {
  const status = Number(value);
  return Number.isInteger(status) && status >= 0 && status <= 999 ? status : 0;
}
