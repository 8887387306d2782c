/** The corpus: OTLP/JSON. */
import type { CaseTimes, HostileBody } from "./hostile-body.ts";
import { jsonRequest } from "./wire.ts";

const ONE = { wire_bytes_in: 1n } as const;

const times = ({ start, time }: CaseTimes): string => `"startTimeUnixNano":"${start}","timeUnixNano":"${time}"`;

function json(name: string, body: HostileBody["body"], answer: number = 400): HostileBody {
  return { name: `JSON: ${name}`, contentType: "application/json", body, answers: [answer] };
}

function counted(name: string, members: string, resource?: string, more?: string): HostileBody {
  const body = (at: CaseTimes): string => jsonRequest(`${times(at)},${members}`, resource, more);
  return { ...json(name, body, 200), adds: ONE };
}

function refusedMember(name: string, members: string): HostileBody {
  return json(name, (at) => jsonRequest(`${times(at)},${members}`));
}

const PROTOTYPE = '"__proto__":{"asInt":"9","polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":7';

/** Cases in JSON. */
export const JSON_BODIES: readonly HostileBody[] = [
  json("an empty object", () => "{}", 200),
  json("null", () => "null"),
  json("an array", () => "[]"),
  json("a text", () => '"x"'),
  json("a number", () => "1"),
  json("nothing", () => ""),
  json("cut off", (at) => jsonRequest(`${times(at)},"asInt":"1"`).slice(0, -1)),
  json("more after its end", (at) => `${jsonRequest(`${times(at)},"asInt":"1"`)}}`),
  json("200,000 arrays in each other", () => "[".repeat(200_000) + "]".repeat(200_000)),
  json("200,000 objects in each other", () => '{"a":'.repeat(200_000) + "1" + "}".repeat(200_000)),
  json("closing brackets", () => "]".repeat(1000)),
  json("bytes that are not UTF-8", () => Buffer.from([0x7b, 0xff, 0x7d])),
  json("an object where an array must be", () => '{"resourceMetrics":{}}'),
  json("an array where an object must be", () => '{"resourceMetrics":[[]]}'),
  counted("a prototype among the members of a point", `"asInt":"1",${PROTOTYPE}`),
  counted("a prototype among the members of the resource and the request", '"asInt":"1"', PROTOTYPE, `,${PROTOTYPE}`),
  counted(
    "a prototype as an attribute",
    '"asInt":"1"',
    '"attributes":[{"key":"__proto__","value":{"stringValue":"x"}},{"key":"constructor","value":{"kvlistValue":{"values":[{"key":"__proto__","value":{}}]}}}]',
  ),
  counted("a value twice, the last one counts", '"asInt":"9","asInt":"1"'),
  counted("a value as a number", '"asInt":1'),
  counted("a value with an exponent", '"asInt":10e-1'),
  counted(
    "half a surrogate pair",
    '"asInt":"1"',
    '"attributes":[{"key":"service.name","value":{"stringValue":"\\ud800"}}]',
  ),
  counted(
    "a NUL character",
    '"asInt":"1"',
    '"attributes":[{"key":"service.name","value":{"stringValue":"a\\u0000b"}}]',
  ),
  json("a name in snake case, which is another field", (at) => jsonRequest(`${times(at)},"as_int":"9"`), 200),
  refusedMember("a value of 1e400", '"asInt":1e400'),
  refusedMember("a value of 9 and a million zeros", `"asInt":9${"0".repeat(1_000_000)}`),
  refusedMember("a value of 2^63", '"asInt":"9223372036854775808"'),
  refusedMember("a value of 1.5 as an integer", '"asInt":1.5'),
  refusedMember("a value in words", '"asInt":"one"'),
  refusedMember("two members of a oneof", '"asInt":"1","asDouble":1'),
  refusedMember("an object as a value", '"asInt":{"toString":1}'),
  refusedMember("flags beyond 32 bits", '"asInt":"1","flags":4294967296'),
  json("an enum by its name", (at) =>
    jsonRequest(`${times(at)},"asInt":"9"`).replace('"aggregationTemporality":2', '"aggregationTemporality":"DELTA"'),
  ),
  ...["NaN", "Infinity", "-Infinity", "-1"].map((value) => ({
    ...json(`a value of "${value}"`, (at) => jsonRequest(`${times(at)},"asDouble":"${value}"`), 200),
    rejected: 1,
  })),
];
