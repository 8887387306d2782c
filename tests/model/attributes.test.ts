import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readAttribute, readAttributes, readResourceAttributes, serviceOf } from "../../src/model/attributes.ts";
import { readKeyValues } from "../../src/model/any-value.ts";
import {
  attributesHash,
  canonicalAttributes,
  canonicalResource,
  canonicalScope,
  identityHash,
} from "../../src/model/canonical-attributes.ts";
import { arbitraryKeyValue } from "../otlp/arbitrary-request.ts";
import { otlpSchema } from "../otlp/otlp-proto.ts";
import { hex } from "../otlp/recorded-walk.ts";
import { rewriteMessage } from "../otlp/rewritten-message.ts";

const ResourceType = otlpSchema.lookupType("Resource");
const ScopeType = otlpSchema.lookupType("InstrumentationScope");
const HistogramPointType = otlpSchema.lookupType("HistogramDataPoint");
const KeyValueType = otlpSchema.lookupType("KeyValue");

/** Fields of number 1, as in a Resource. */
function encode(attributes: object[]): Uint8Array {
  return ResourceType.encode(ResourceType.fromObject({ attributes })).finish();
}

function canonical(attributes: object[]): string {
  const body = encode(attributes);
  return hex(canonicalAttributes(body, 0, body.length));
}

function text(key: string, stringValue: string): object {
  return { key, value: { stringValue } };
}

const MIXED = [
  text("http.route", "/ünï"),
  { key: "http.response.status_code", value: { intValue: 500 } },
  { key: "ratio", value: { doubleValue: 0.5 } },
  { key: "ok", value: { boolValue: true } },
  { key: "list", value: { arrayValue: { values: [{ intValue: 1 }] } } },
  { key: "map", value: { kvlistValue: { values: [text("a", "b")] } } },
  { key: "bytes", value: { bytesValue: Buffer.of(1) } },
  { key: "empty" },
];

describe("readAttributes", () => {
  test("gives texts, numbers and booleans", () => {
    const body = encode(MIXED);
    const expected = [
      ["http.route", "/ünï"],
      ["http.response.status_code", 500],
      ["ratio", 0.5],
      ["ok", true],
    ];
    expect([...readAttributes(body, 0, body.length)]).toEqual(expected);
    expect([...readResourceAttributes(body, 0, body.length)]).toEqual(expected);
  });

  test("gives the last of several values of a key", () => {
    const twice = encode([text("a", "1"), text("a", "2"), text("b", "1"), { key: "b" }]);
    expect([...readAttributes(twice, 0, twice.length)]).toEqual([["a", "2"]]);
  });

  test("puts U+FFFD for what is not UTF-8", () => {
    const body = Buffer.from([0x0a, 0x08, 0x0a, 0x01, 0x61, 0x12, 0x03, 0x0a, 0x01, 0xff]);
    expect([...readAttributes(body, 0, body.length)]).toEqual([["a", "\uFFFD"]]);
  });

  test("takes keys of prototypes for keys", () => {
    const body = encode([text("__proto__", "1"), text("constructor", "2")]);
    expect([...readAttributes(body, 0, body.length)]).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });
});

describe("readAttribute", () => {
  test("gives what readAttributes gives, however the attributes are written", () => {
    const key = fc.constantFrom("a", "b", "ab", "");
    const entries = fc.array(fc.tuple(key, arbitraryKeyValue), { maxLength: 6 });
    fc.assert(
      fc.property(entries, fc.infiniteStream(fc.nat()), (pairs, stream) => {
        // An unknown field of a Resource is no attribute, so each attribute is rewritten by itself.
        const body = Buffer.concat(
          pairs.map(([name, keyValue]) => {
            const plain = KeyValueType.encode(KeyValueType.fromObject({ ...keyValue, key: name })).finish();
            const rewritten = rewriteMessage(KeyValueType, plain, (bound) => stream.next().value! % bound);
            return Buffer.concat([Buffer.of(0x0a), lengthOf(rewritten), rewritten]);
          }),
        );
        const all = readAttributes(body, 0, body.length);
        for (const name of ["a", "b", "ab", "c", ""])
          expect(readAttribute(body, 0, body.length, name)).toBe(all.get(name));
      }),
      { numRuns: 300 },
    );
  });
});

function lengthOf(bytes: Uint8Array): Buffer {
  return bytes.length < 0x80
    ? Buffer.of(bytes.length)
    : Buffer.of((bytes.length & 0x7f) | 0x80, ((bytes.length >> 7) & 0x7f) | 0x80, bytes.length >> 14);
}

describe("the canonical form of attributes", () => {
  test("does not depend on their order", () => {
    const sets = fc.uniqueArray(arbitraryKeyValue, { selector: (item) => (item as { key: string }).key, maxLength: 6 });
    fc.assert(
      fc.property(
        sets.chain((set) => fc.tuple(fc.constant(set), fc.shuffledSubarray(set, { minLength: set.length }))),
        ([set, shuffled]) => {
          expect(canonical(shuffled)).toBe(canonical(set));
        },
      ),
    );
  });

  test("does not depend on the number of their field", () => {
    const body = HistogramPointType.encode(HistogramPointType.fromObject({ attributes: MIXED })).finish();
    expect(hex(canonicalAttributes(body, 0, body.length))).toBe(canonical(MIXED));
  });

  test("is the same for ever", () => {
    // Counter state is stored under hashes of these bytes: a change here loses every baseline.
    expect(identityHash([Buffer.from(canonical(MIXED), "hex")])).toMatchInlineSnapshot(
      `"14d1dd8e93d76427b63772a81e913da4"`,
    );
    expect(canonical([text("b", "2"), text("a", "1")])).toBe(
      "02000000 01000000 61 01 01000000 31 01000000 62 01 01000000 32".replaceAll(" ", ""),
    );
  });

  test("is hashed as it is, whatever was put together before", () => {
    fc.assert(
      fc.property(fc.array(arbitraryKeyValue, { maxLength: 6 }), (set) => {
        const body = encode(set);
        const whole = canonicalAttributes(body, 0, body.length);
        expect(attributesHash(readKeyValues(body, 0, body.length))).toBe(identityHash([whole]));
      }),
    );
  });

  test("has no length at which it ends", () => {
    const long = "x".repeat(50_000);
    const expected = `01000000 01000000 61 01 50c30000 ${"78".repeat(50_000)}`.replaceAll(" ", "");
    expect(canonical([text("a", long)])).toBe(expected);
    expect(canonical([text("a", "1")])).toBe("010000000100000061010100000031");
    const parts = [Buffer.from(long), Buffer.from("b")] as const;
    expect(identityHash(parts)).not.toBe(identityHash([parts[0]]));
  });

  test("tells kinds of values apart", () => {
    const values = [
      {},
      { stringValue: "" },
      { stringValue: "1" },
      { bytesValue: Buffer.from("1") },
      { boolValue: true },
      { boolValue: false },
      { intValue: 1 },
      { intValue: 0 },
      { doubleValue: 1 },
      { doubleValue: 0 },
      { arrayValue: { values: [] } },
      { arrayValue: { values: [{ intValue: 1 }] } },
      { arrayValue: { values: [{}, {}] } },
      { kvlistValue: { values: [] } },
      { kvlistValue: { values: [text("1", "1")] } },
    ];
    expect(new Set(values.map((value) => canonical([{ key: "a", value }]))).size).toBe(values.length);
  });

  test("tells where a key ends and a value begins", () => {
    expect(canonical([text("ab", "c")])).not.toBe(canonical([text("a", "bc")]));
    expect(canonical([text("a", ""), text("b", "")])).not.toBe(canonical([text("a", "b")]));
  });

  test("keeps the order of arrays and not that of maps", () => {
    const array = (...values: object[]): string => canonical([{ key: "a", value: { arrayValue: { values } } }]);
    const map = (...values: object[]): string => canonical([{ key: "a", value: { kvlistValue: { values } } }]);
    expect(array({ intValue: 1 }, { intValue: 2 })).not.toBe(array({ intValue: 2 }, { intValue: 1 }));
    expect(map(text("a", "1"), text("b", "2"))).toBe(map(text("b", "2"), text("a", "1")));
  });

  test("counts the last of several values of a key", () => {
    expect(canonical([text("a", "1"), text("b", ""), text("a", "2")])).toBe(canonical([text("b", ""), text("a", "2")]));
  });
});

describe("the canonical form of resources and scopes", () => {
  test("leaves out how many attributes were dropped", () => {
    const of = (message: object): string => {
      const body = ResourceType.encode(ResourceType.fromObject(message)).finish();
      return hex(canonicalResource(body, 0, body.length));
    };
    expect(of({ attributes: MIXED, droppedAttributesCount: 3 })).toBe(of({ attributes: MIXED }));
    expect(of({ attributes: MIXED })).toBe(canonical(MIXED));
  });

  test("tells scopes apart by name, version and attributes", () => {
    const of = (message: object): string => {
      const body = ScopeType.encode(ScopeType.fromObject(message)).finish();
      return hex(canonicalScope(body, 0, body.length));
    };
    const scopes = [
      {},
      { name: "a" },
      { version: "a" },
      { name: "a", version: "1" },
      { name: "a", attributes: [text("x", "")] },
    ];
    expect(new Set(scopes.map(of)).size).toBe(scopes.length);
    expect(of({ name: "a", droppedAttributesCount: 1 })).toBe(of({ name: "a" }));
  });
});

test("identityHash tells parts apart and has 128 bits", () => {
  const [a, b, ab, none] = ["a", "b", "ab", ""].map((part) => Buffer.from(part)) as [Buffer, Buffer, Buffer, Buffer];
  const hashes = [identityHash([a, b]), identityHash([ab]), identityHash([ab, none]), identityHash([none, ab])];
  expect(new Set(hashes).size).toBe(4);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{32}$/);
});

describe("serviceOf", () => {
  test("reads namespace, name and environment", () => {
    const attributes = new Map([
      ["service.namespace", "shop"],
      ["service.name", "cart"],
      ["deployment.environment.name", "prod"],
      ["deployment.environment", "old"],
    ]);
    expect(serviceOf(attributes)).toEqual({ namespace: "shop", service: "cart", environment: "prod" });
  });

  test("reads the environment under the name it had before, too", () => {
    expect(serviceOf(new Map([["deployment.environment", "prod"]])).environment).toBe("prod");
  });

  test.each([[new Map()], [new Map([["service.name", ""]])]])("names a service that gives no name", (attributes) => {
    expect(serviceOf(attributes)).toEqual({ namespace: "", service: "unknown_service", environment: "" });
  });
});
