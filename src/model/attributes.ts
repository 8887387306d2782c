/**
 * Reads attributes out of the bytes that a walk passes on. Bytes must have been checked by the walk: on others these
 * functions throw.
 */
import { type AnyValue, eachField, type KeyValue, readKeyValue, readKeyValues } from "./any-value.ts";
import { ATTRIBUTES } from "./metric-names.ts";
import { afterVarint, payloadEnd, payloadStart } from "./protobuf-wire.ts";

/** A value that dimensions are made of; other kinds (bytes, arrays, maps, empty) only tell streams apart. */
export type PlainValue = string | number | boolean;

/** Plain attributes by key. */
export type PlainAttributes = ReadonlyMap<string, PlainValue>;

/** Who sent a resource's data: what slots are made of. Absent text is "". */
export interface ServiceIdentity {
  readonly namespace: string;
  readonly service: string;
  readonly environment: string;
}

/** The name of a service that gives none (OpenTelemetry resource semantic conventions). */
export const UNKNOWN_SERVICE = "unknown_service";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The plain attributes in a range of `KeyValue` fields with their tags and lengths, of whatever field number. The last of
 * several of one key counts. Integers beyond 2^53 are rounded; text that is not UTF-8 gets U+FFFD in its place.
 */
export function readAttributes(body: Uint8Array, start: number, end: number): Map<string, PlainValue> {
  return plainAttributes(readKeyValues(body, start, end));
}

/** The plain attributes among these entries, as {@link readAttributes}. */
export function plainAttributes(entries: readonly KeyValue[]): Map<string, PlainValue> {
  const attributes = new Map<string, PlainValue>();
  for (const entry of entries) setPlain(attributes, entry);
  return attributes;
}

/** The plain attributes of a `Resource` message (its field 1), as {@link readAttributes}. */
export function readResourceAttributes(body: Uint8Array, start: number, end: number): Map<string, PlainValue> {
  const attributes = new Map<string, PlainValue>();
  eachField(body, start, end, (tag, from, to) => {
    if (tag === 0x0a) setPlain(attributes, readKeyValue(body, from, to));
  });
  return attributes;
}

/**
 * The plain value of one key in a range of `KeyValue` fields, without decoding the others; `undefined` when there is none
 * or it is not plain. `key` must be ASCII.
 */
export function readAttribute(body: Uint8Array, start: number, end: number, key: string): PlainValue | undefined {
  let found: PlainValue | undefined;
  for (let position = start; position < end;) {
    const lengthStart = afterVarint(body, position, end);
    const from = payloadStart(body, lengthStart, end);
    position = payloadEnd(body, lengthStart, from, end);
    if (!mayHaveKey(body, from, position, key)) continue;
    const keyValue = readKeyValue(body, from, position);
    if (utf8.decode(keyValue.key) === key) found = plainOf(keyValue.value);
  }
  return found;
}

/** False only when the `KeyValue` begins, as nearly all do, with a key that is another one and comes once. */
function mayHaveKey(body: Uint8Array, start: number, end: number, key: string): boolean {
  if (start === end || body[start] !== 0x0a) return true;
  const keyStart = payloadStart(body, start + 1, end);
  const keyEnd = payloadEnd(body, start + 1, keyStart, end);
  if (keyEnd < end && body[keyEnd] !== 0x12) return true;
  if (keyEnd < end) {
    const valueStart = payloadStart(body, keyEnd + 1, end);
    if (payloadEnd(body, keyEnd + 1, valueStart, end) < end) return true;
  }
  if (keyEnd - keyStart !== key.length) return false;
  for (let index = 0; index < key.length; index += 1) {
    if (body[keyStart + index] !== key.charCodeAt(index)) return false;
  }
  return true;
}

/**
 * Who a resource is: `service.namespace`, `service.name` ("unknown_service" when absent or empty) and
 * `deployment.environment.name`, or `deployment.environment` as it was called before semantic conventions 1.27.
 */
export function serviceOf(attributes: PlainAttributes): ServiceIdentity {
  const text = (key: string): string => String(attributes.get(key) ?? "");
  return {
    namespace: text(ATTRIBUTES.serviceNamespace),
    service: text(ATTRIBUTES.serviceName) || UNKNOWN_SERVICE,
    environment: text(ATTRIBUTES.environment) || text(ATTRIBUTES.environmentBefore127),
  };
}

function setPlain(attributes: Map<string, PlainValue>, keyValue: KeyValue): void {
  const key = utf8.decode(keyValue.key);
  const value = plainOf(keyValue.value);
  if (value === undefined) attributes.delete(key);
  else attributes.set(key, value);
}

function plainOf(value: AnyValue): PlainValue | undefined {
  switch (value.kind) {
    case "string":
      return utf8.decode(value.bytes);
    case "int":
      return Number(value.value);
    case "boolean":
    case "double":
      return value.value;
    default:
      return undefined;
  }
}
