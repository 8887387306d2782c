/** The series of tenants that share a shard: who is cut short, and that nothing is lost by it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeriesTable, type Series } from "../../src/aggregate/series-table.ts";
import { OVERFLOW_NAME, type SeriesDimensions } from "../../src/model/dimensions.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { at, BIRTH, FoldHarness, SECOND } from "./fold-harness.ts";

function dimensions(namespace: string, route: string): SeriesDimensions {
  const none = { environment: "", method: "GET", statusCode: 200, meetingId: "", participantId: "" };
  return { ...none, protocol: "http", side: "server", namespace, service: "shop", route };
}

const isOverflowOf = (series: Series, namespace: string): boolean =>
  series.dimensions.service === OVERFLOW_NAME && series.dimensions.namespace === namespace;

describe("a tenant's series", () => {
  test("beyond its limit go to a row of its own namespace, and those it has stay", () => {
    const table = new SeriesTable(0, 100, (tenant) => (tenant === "noisy" ? 2 : Infinity));
    const named = [table.series(dimensions("noisy", "/a")), table.series(dimensions("noisy", "/b"))];
    const rest = table.series(dimensions("noisy", "/c"));
    expect([rest.isOverflow, rest.dimensions]).toEqual([
      true,
      expect.objectContaining({ namespace: "noisy", service: OVERFLOW_NAME, route: "shard-0" }),
    ]);
    expect(table.series(dimensions("noisy", "/d"))).toBe(rest);
    expect(named).toEqual([table.series(dimensions("noisy", "/a")), table.series(dimensions("noisy", "/b"))]);
    expect(table.series(dimensions("quiet", "/c")).isOverflow).toBe(false);
  });

  test("have room again when idle ones were let go of", () => {
    const table = new SeriesTable(0, 100, () => 1);
    table.series(dimensions("noisy", "/a")).touchedAtMillis = 1000;
    table.series(dimensions("noisy", "/b")).touchedAtMillis = 9000;
    table.evictIdle(5000);
    const next = table.series(dimensions("noisy", "/c"));
    expect([next.isOverflow, table.series(dimensions("noisy", "/d")).isOverflow]).toEqual([false, true]);
  });

  test("of one that came when the shard was full go to the row of the shard: names must not make rows", () => {
    const table = new SeriesTable(0, 1, () => 10);
    table.series(dimensions("first", "/a"));
    expect(isOverflowOf(table.series(dimensions("first", "/b")), "first")).toBe(true);
    for (const name of ["x", "y", "z"]) expect(isOverflowOf(table.series(dimensions(name, "/a")), "")).toBe(true);
    expect(table.size).toBe(3);
  });
});

/** What each tenant sends: so many routes, of so many bytes each, in an order that mixes them. */
const senders = fc
  .array(fc.record({ routes: fc.integer({ min: 1, max: 12 }), bytes: fc.integer({ min: 1, max: 1000 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .chain((tenants) => {
    const all = tenants.flatMap(({ routes, bytes }, tenant) =>
      Array.from({ length: routes }, (_, route) => ({ tenant: `t${tenant}`, route: `/r${route}`, bytes })),
    );
    return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  });

const limits = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 5, maxLength: 5 });

describe("whatever tenants send", () => {
  test("named series and `__other__` are all of it, for each and together, and no one within its limit loses a name", () => {
    fc.assert(
      fc.property(senders, limits, (sent, maxima) => {
        const maxSeriesOf = (tenant: string): number => maxima[Number(tenant.slice(1))]!;
        const maxSeries = maxima.reduce((sum, max) => sum + max, 0);
        const harness = new FoldHarness({ maxSeries, maxSeriesOf });
        for (const [place, { tenant, route, bytes }] of sent.entries()) {
          harness.receive(bodyOf(tenant, route, BigInt(bytes), place), BIRTH + 10 + place);
        }
        const rows = harness.fold.series.takeRows();
        const bytesOf = (isWanted: (series: Series) => boolean): number =>
          rows.filter(({ series }) => isWanted(series)).reduce((sum, { values }) => sum + Math.max(...values), 0);
        const sentBy = (tenant: string) => sent.filter((one) => one.tenant === tenant);
        const sumOf = (all: readonly { readonly bytes: number }[]) => all.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(bytesOf(() => true)).toBe(sumOf(sent));
        for (const tenant of new Set(sent.map((one) => one.tenant))) {
          expect(bytesOf(({ dimensions: { namespace } }) => namespace === tenant)).toBe(sumOf(sentBy(tenant)));
          const named = [...harness.fold.series.all()].filter(
            (series) => series.dimensions.namespace === tenant && !series.isOverflow,
          );
          expect(named.length).toBe(Math.min(sentBy(tenant).length, maxSeriesOf(tenant)));
          const isWithin = sentBy(tenant).length <= maxSeriesOf(tenant);
          expect(bytesOf((series) => isOverflowOf(series, tenant)) === 0).toBe(isWithin);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("all of it is there in full when the shard has less room than its tenants may take", () => {
    fc.assert(
      fc.property(senders, limits, fc.integer({ min: 1, max: 8 }), (sent, maxima, maxSeries) => {
        const harness = new FoldHarness({ maxSeries, maxSeriesOf: (tenant) => maxima[Number(tenant.slice(1))]! });
        for (const [place, { tenant, route, bytes }] of sent.entries()) {
          harness.receive(bodyOf(tenant, route, BigInt(bytes), place), BIRTH + 10 + place);
        }
        const sum = harness.fold.series.takeRows().reduce((all, { values }) => all + Math.max(...values), 0);
        expect(sum).toBe(sent.reduce((all, { bytes }) => all + bytes, 0));
        const all = [...harness.fold.series.all()];
        expect(all.filter(({ isOverflow }) => !isOverflow).length).toBeLessThanOrEqual(maxSeries);
      }),
      { numRuns: 100 },
    );
  });
});

function bodyOf(tenant: string, route: string, value: bigint, place: number): Uint8Array {
  const point = {
    attributes: { "network.io.direction": "receive", "http.route": route, "http.request.method": "GET" },
    start: at(1),
    time: at(2) + SECOND * BigInt(place),
    value,
  };
  return otlpRequest([
    {
      attributes: { "service.namespace": tenant, "service.name": "shop" },
      metrics: [{ name: "bandwidth.http.server.io", unit: "By", temporality: "delta", sum: [point] }],
    },
  ]);
}
