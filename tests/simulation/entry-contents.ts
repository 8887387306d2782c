/** What an entry of the log says, read independently of the fold: which increments of which series. */
import { gunzipSync } from "node:zlib";
import { refusePoint } from "../../src/model/admission.ts";
import { readAttributes, readResourceAttributes } from "../../src/model/attributes.ts";
import type { LogEntryInput } from "../../src/model/ingest-log.ts";
import { metricMeaning } from "../../src/model/metric-meaning.ts";
import type { MetricHeader } from "../../src/model/metric-visitor.ts";
import type { PointCursor } from "../../src/model/point-cursor.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";

/** What is in an entry. */
export interface EntryContents {
  /** Points, whatever becomes of them. */
  readonly points: number;
  /** Increments that the points which are not refused tell of, by series. */
  readonly increments: readonly (readonly [series: string, increments: bigint])[];
}

/** The name by which a simulation knows a series. */
export function seriesName(service: string, route: string): string {
  return `${service} ${route}`;
}

const known = new WeakMap<Uint8Array, EntryContents>();

/** Reads an entry. */
export function entryContents({ body, encoding, receivedAtMillis }: LogEntryInput): EntryContents {
  let contents = known.get(body);
  if (contents === undefined) {
    contents = read(encoding === "gzip" ? gunzipSync(body) : body, receivedAtMillis);
    known.set(body, contents);
  }
  return contents;
}

function read(body: Uint8Array, receivedAtMillis: number): EntryContents {
  const increments: (readonly [string, bigint])[] = [];
  const context = { receivedAtMillis, deltaMaxAgeMillis: Number.POSITIVE_INFINITY, fromBridge: false };
  let [service, header, points] = ["", undefined as MetricHeader | undefined, 0];
  walkMetrics(body, {
    resource: (bytes, start, end) =>
      void (service = String(readResourceAttributes(bytes, start, end).get("service.name"))),
    scope: () => true,
    metric: (next) => {
      header = next;
      return true;
    },
    point(point: PointCursor) {
      points++;
      if (refusePoint(header!, metricMeaning(header!.name)!, point, context) !== undefined) return;
      const attributes = readAttributes(point.body, point.attributesStart, point.attributesEnd);
      const value = (BigInt(point.intHigh) << 32n) | BigInt(point.intLow >>> 0);
      increments.push([seriesName(service, String(attributes.get("http.route"))), value]);
    },
    skipped: () => undefined,
  });
  return { points, increments };
}
