/**
 * Finding the stream of each point alone: by the bytes that stood in its place in the request before, against decoding its
 * attributes and looking their sorted text up in a map, as is usual. Both walk over the request.
 */
import { ScopeTable, type ResourceEntry, type ScopeState } from "../src/aggregate/scopes.ts";
import { SeriesTable } from "../src/aggregate/series-table.ts";
import { ShardSize } from "../src/aggregate/state-size.ts";
import { streamTarget } from "../src/aggregate/stream-target.ts";
import { Parent, parentKey } from "../src/aggregate/streams.ts";
import { readAttributes } from "../src/model/attributes.ts";
import { metricMeaning } from "../src/model/metric-meaning.ts";
import type { MetricHeader, MetricVisitor } from "../src/model/metric-visitor.ts";
import type { PointCursor } from "../src/model/point-cursor.ts";
import { walkMetrics } from "../src/otlp/walk-metrics.ts";
import { LoadGenerator, type PayloadName, PAYLOADS } from "./payloads.ts";
import { median, thousandsWithSpread } from "./statistics.ts";

/** How the bench is run. */
export interface LookupOptions {
  readonly payload: PayloadName;
  readonly rounds: number;
}

/** Points looked up in each round by each side. */
const POINTS_PER_ROUND = 200_000;

/** Runs the bench and prints its figures. Throws when a side does not find the streams that were encoded. */
export function benchLookup({ payload, rounds }: LookupOptions): void {
  const kind = PAYLOADS[payload];
  const pointsPerRequest = kind.routes * 5 * kind.servicesPerRequest;
  const streams = kind.services * kind.routes * 5;
  // Every service once, so that every round meets every stream.
  const requests = kind.services / kind.servicesPerRequest;
  const generator = new LoadGenerator(kind, requests, Date.now());
  const bodies = Array.from({ length: requests }, () => Buffer.from(generator.next()));
  const passes = Math.ceil(POINTS_PER_ROUND / (requests * pointsPerRequest));
  const sides = [new ExpectedOrderLookup(), new SortedTextLookup()] as const;
  const figures: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    sides.forEach((side, place) => {
      const before = process.cpuUsage();
      for (let pass = 0; pass < passes; pass += 1) for (const body of bodies) walkMetrics(body, side);
      const { user, system } = process.cpuUsage(before);
      // The first round meets every stream for the first time.
      if (round > 0) figures[place]!.push((passes * requests * pointsPerRequest) / ((user + system) / 1e6));
    });
  }
  for (const { found } of sides) {
    if (found.size !== streams) throw new Error(`${found.size} streams were found, encoded were ${streams}`);
  }
  const [ours, theirs] = figures;
  console.log(
    `lookup ${payload}: expected order ${thousandsWithSpread(ours)} points per CPU-second, ${streams} streams`,
  );
  console.log(`lookup ${payload}: sorted text    ${thousandsWithSpread(theirs)} points per CPU-second`);
  console.log(`lookup ${payload}: ratio ${median(ours.map((value, index) => value / theirs[index]!)).toFixed(1)}`);
}

/** As the fold does it. */
class ExpectedOrderLookup implements MetricVisitor {
  readonly found = new Set<unknown>();
  readonly #series = new SeriesTable(0, 100_000);
  readonly #scopes = new ScopeTable(new ShardSize(Number.POSITIVE_INFINITY));
  #resource: ResourceEntry | undefined;
  #scope: ScopeState | undefined;
  #parent: Parent | undefined;

  resource(body: Uint8Array, start: number, end: number): void {
    this.#resource = this.#scopes.resource(body as Buffer, start, end, undefined);
  }

  scope(body: Uint8Array, start: number, end: number): boolean {
    this.#scope = this.#scopes.scope(this.#resource!, body as Buffer, start, end);
    return true;
  }

  metric(header: MetricHeader): boolean {
    const key = parentKey(header);
    const { parents } = this.#scope!;
    this.#parent = parents.get(key) ?? new Parent(key, metricMeaning(header.name)!, this.#scope!);
    parents.set(key, this.#parent);
    this.#parent.rewind();
    return true;
  }

  point(point: PointCursor): void {
    const parent = this.#parent!;
    parent.stream(point, (attributes) => {
      const target = streamTarget(parent.meaning, this.#resource!.dimensions, attributes, this.#series);
      this.found.add({});
      return target;
    });
  }

  skipped(): void {}
}

/** As it is usually done. */
class SortedTextLookup implements MetricVisitor {
  readonly found = new Map<string, object>();
  #identity = "";
  #metric = "";

  resource(body: Uint8Array, start: number, end: number): void {
    this.#identity = (body as Buffer).toString("latin1", start, end);
  }

  scope(body: Uint8Array, start: number, end: number): boolean {
    this.#identity += (body as Buffer).toString("latin1", start, end);
    return true;
  }

  metric(header: MetricHeader): boolean {
    this.#metric = `${this.#identity}|${parentKey(header)}`;
    return true;
  }

  point({ body, attributesStart, attributesEnd }: PointCursor): void {
    const pairs: string[] = [];
    for (const [key, value] of readAttributes(body, attributesStart, attributesEnd))
      pairs.push(`${key}=${String(value)}`);
    const key = `${this.#metric}|${pairs.sort().join(",")}`;
    if (!this.found.has(key)) this.found.set(key, {});
  }

  skipped(): void {}
}
