/**
 * Puts the tenant of a token into a request, as `service.namespace` of those resources that have none. All other bytes are copied as
 * they are.
 */
import { readResourceAttributes } from "../model/attributes.ts";
import { ATTRIBUTES } from "../model/metric-names.ts";
import { afterVarint, BYTES, payloadStart } from "../model/protobuf-wire.ts";
import { type Result, success } from "../model/result.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { walkMetrics } from "./walk-metrics.ts";

const encoder = new TextEncoder();

/**
 * The request with the tenant as namespace of whatever has none; the very same bytes when nothing lacks it. A resource of another
 * namespace stays as it is. Failure `invalid` for bytes that are no request.
 */
export function nameTenant(body: Uint8Array, tenant: string): Result<Uint8Array> {
  const lacking: (readonly [start: number, end: number])[] = [];
  const walked = walkMetrics(body, {
    resource: (bytes, start, end, messageStart, messageEnd) => {
      const namespace = readResourceAttributes(bytes, start, end).get(ATTRIBUTES.serviceNamespace) ?? "";
      if (String(namespace) === "") lacking.push([messageStart, messageEnd]);
    },
    scope: () => false,
    metric: () => false,
    point: () => undefined,
    skipped: () => undefined,
  });
  if (walked.kind !== "success") return walked;
  return success(lacking.length === 0 ? body : withNamespace(body, lacking, namespaceOnly(tenant)));
}

/**
 * Messages that follow each other in one field are one message, and of one attribute the last counts: so another `Resource` at the
 * end of a `ResourceMetrics` adds to the one that is there.
 */
function withNamespace(
  body: Uint8Array,
  lacking: readonly (readonly [start: number, end: number])[],
  resource: Uint8Array,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const [start, end] of lacking) {
    const payload = body.subarray(payloadStart(body, afterVarint(body, start, end), end), end);
    const head = new ProtobufWriter(16);
    head.tag(1, BYTES);
    head.varint32(payload.length + resource.length);
    pieces.push(body.subarray(copied, start), head.finish(), payload, resource);
    copied = end;
  }
  pieces.push(body.subarray(copied));
  return Buffer.concat(pieces);
}

/** The field `resource` = 1 with `attributes` = 1: `key` = 1, `value` = 2, `string_value` = 1. */
function namespaceOnly(tenant: string): Uint8Array {
  const writer = new ProtobufWriter(256);
  writer.tag(1, BYTES);
  writer.nested(() => {
    writer.tag(1, BYTES);
    writer.nested(() => {
      writer.tag(1, BYTES);
      writer.bytes(encoder.encode(ATTRIBUTES.serviceNamespace));
      writer.tag(2, BYTES);
      writer.nested(() => {
        writer.tag(1, BYTES);
        writer.bytes(encoder.encode(tenant));
      });
    });
  });
  return writer.finish();
}
