import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readResourceAttributes } from "../../src/model/attributes.ts";
import { nameTenant } from "../../src/otlp/name-tenant.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";
import { valueOf } from "../support/log-entries.ts";
import { otlpRequest, type TestAttributes } from "../support/otlp-request.ts";
import { RequestType } from "./otlp-proto.ts";

const metrics = [{ name: "m", sum: [{ time: 1n, value: 7n, attributes: { a: "b" } }] }];

/** The attributes of each resource, as our decoder reads them. */
function resourcesOf(body: Uint8Array): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const walked = walkMetrics(body, {
    resource: (bytes, start, end) => void found.push(Object.fromEntries(readResourceAttributes(bytes, start, end))),
    scope: () => true,
    metric: () => true,
    point: () => undefined,
    skipped: () => undefined,
  });
  expect(walked.kind).toBe("success");
  return found;
}

const attributes: fc.Arbitrary<TestAttributes> = fc.record(
  { "service.namespace": fc.constantFrom("", "other", "team"), "service.name": fc.string() },
  { requiredKeys: ["service.name"] },
);

describe("naming the tenant", () => {
  it("gives it to the resources without a namespace and changes nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(attributes, { maxLength: 6 }),
        fc.string({ minLength: 1, maxLength: 128 }),
        (all, tenant) => {
          const body = otlpRequest(all.map((own) => ({ attributes: own, metrics })));
          const named = valueOf(nameTenant(body, tenant));
          const expected = all.map((own) => ({ ...own, "service.namespace": own["service.namespace"] || tenant }));
          expect(resourcesOf(named)).toEqual(expected);
          const scopes = (bytes: Uint8Array): unknown =>
            (
              RequestType.toObject(RequestType.decode(bytes)) as { resourceMetrics?: { scopeMetrics: unknown }[] }
            ).resourceMetrics?.map(({ scopeMetrics }) => scopeMetrics);
          expect(scopes(named)).toEqual(scopes(body));
        },
      ),
    );
  });

  it("is read by other decoders as well", () => {
    const body = otlpRequest([{ attributes: { "service.name": "shop" }, metrics }]);
    const decoded = RequestType.toObject(RequestType.decode(valueOf(nameTenant(body, "team")))) as {
      resourceMetrics: { resource: { attributes: { key: string; value: { stringValue: string } }[] } }[];
    };
    expect(decoded.resourceMetrics[0]!.resource.attributes.map(({ key, value }) => [key, value.stringValue])).toEqual([
      ["service.name", "shop"],
      ["service.namespace", "team"],
    ]);
  });

  it("gives back the very same bytes when no resource lacks one", () => {
    const body = otlpRequest([{ attributes: { "service.namespace": "other" }, metrics }]);
    expect(valueOf(nameTenant(body, "team"))).toBe(body);
  });

  it("fails on what is no request", () => {
    expect(nameTenant(Uint8Array.of(0x0a, 0xff), "team")).toMatchObject({ kind: "failure", code: "invalid" });
  });
});
