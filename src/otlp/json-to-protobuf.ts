/**
 * Turns an OTLP/JSON body into the protobuf form, so that one decoder defines what a request means.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: lower camel case names only, enums as integers only,
 * 64-bit integers as numbers or in quotes, unknown fields ignored.
 */
import { BYTES, FIXED64, VARINT } from "../model/protobuf-wire.ts";
import { failure, type Result, success } from "../model/result.ts";
import { type JsonField, type JsonMessage, REQUEST_SCHEMA, type ScalarType } from "./json-schema.ts";
import { base64, double, wholeNumber } from "./json-values.ts";
import { MalformedJson, parseJson } from "./parse-json.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/**
 * The request as protobuf. Failure `invalid` when the body is not JSON, is nested too deep, or a known field has a value
 * of another type; the reason then names the field.
 */
export function jsonToProtobuf(body: Uint8Array): Result<Uint8Array> {
  try {
    const request = parseJson(body);
    // Protobuf is about two thirds of the JSON.
    const mapper = new Mapper(new ProtobufWriter(body.length));
    return success(mapper.map(request));
  } catch (error) {
    if (!(error instanceof MalformedJson)) throw error;
    return failure("invalid", error.message);
  }
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

class Mapper {
  readonly #writer: ProtobufWriter;
  readonly #encoder = new TextEncoder();
  /** Where in the body we are, for the reason of a failure. */
  readonly #path: (string | number)[] = [];

  constructor(writer: ProtobufWriter) {
    this.#writer = writer;
  }

  map(request: unknown): Uint8Array {
    this.#message(REQUEST_SCHEMA, request);
    return this.#writer.finish();
  }

  /** The depth of the recursion is that of the body, which was bounded when it was parsed. */
  #message(schema: JsonMessage, value: unknown): void {
    if (!isObject(value)) return this.#fault("an object");
    let member: string | undefined;
    for (const name of Object.keys(value)) {
      const field = schema.get(name);
      const fieldValue = value[name];
      if (field === undefined || fieldValue === null) continue;
      this.#path.push(name);
      if (field.oneof && member !== undefined) this.#fault(`nothing, as ${member} is set`);
      if (field.oneof) member = name;
      if (field.repeated) this.#repeated(field, fieldValue);
      else this.#single(field, fieldValue);
      this.#path.pop();
    }
  }

  #repeated(field: JsonField, value: unknown): void {
    if (!Array.isArray(value)) return this.#fault("an array");
    const { type } = field;
    if (typeof type !== "string") {
      for (const [index, item] of value.entries()) {
        this.#path.push(index);
        this.#single(field, item);
        this.#path.pop();
      }
      return;
    }
    this.#writer.tag(field.number, BYTES);
    this.#writer.nested(() => {
      for (const [index, item] of value.entries()) {
        this.#path.push(index);
        this.#scalar(type, item);
        this.#path.pop();
      }
    });
  }

  #single(field: JsonField, value: unknown): void {
    const { type } = field;
    if (typeof type === "string") {
      this.#writer.tag(field.number, wireTypeOf(type));
      this.#scalar(type, value);
    } else {
      this.#writer.tag(field.number, BYTES);
      this.#writer.nested(() => this.#message(type, value));
    }
  }

  #scalar(type: ScalarType, value: unknown): void {
    const writer = this.#writer;
    switch (type) {
      case "string":
        return typeof value === "string" ? writer.bytes(this.#encoder.encode(value)) : this.#fault("a string");
      case "base64":
        return writer.bytes(base64(value) ?? this.#fault("base64"));
      case "bool":
        return typeof value === "boolean" ? writer.varint32(value ? 1 : 0) : this.#fault("true or false");
      case "double":
        return writer.double(double(value) ?? this.#fault("a number"));
      case "enum":
        if (typeof value !== "number") return this.#fault("an integer");
        return writer.varint64(this.#whole(value, -(2n ** 31n), 2n ** 31n - 1n));
      case "uint32":
        return writer.varint64(this.#whole(value, 0n, 2n ** 32n - 1n));
      case "sint32": {
        const number = this.#whole(value, -(2n ** 31n), 2n ** 31n - 1n);
        return writer.varint64(number >= 0n ? number * 2n : -number * 2n - 1n);
      }
      case "int64":
        return writer.varint64(this.#whole(value, MIN_INT64, MAX_INT64));
      case "uint64":
        return writer.varint64(this.#whole(value, 0n, MAX_UINT64));
      case "fixed64":
        return writer.fixed64(this.#whole(value, 0n, MAX_UINT64));
      case "sfixed64":
        return writer.fixed64(this.#whole(value, MIN_INT64, MAX_INT64));
    }
  }

  #whole(value: unknown, min: bigint, max: bigint): bigint {
    return wholeNumber(value, min, max) ?? this.#fault(`an integer from ${min} to ${max}`);
  }

  #fault(expected: string): never {
    const path = this.#path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
    throw new MalformedJson(`expected ${expected} at $${path}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

function wireTypeOf(type: ScalarType): number {
  if (type === "string" || type === "base64") return BYTES;
  return type === "double" || type === "fixed64" || type === "sfixed64" ? FIXED64 : VARINT;
}
