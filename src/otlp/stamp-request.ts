/**
 * Puts who sent a request, and when it came, into the request itself: for what goes on to a Collector, which cannot be told
 * beside it. Other bytes are copied as they are.
 */
import { eachField, readKeyValue } from "../model/any-value.ts";
import type { BridgeIdentity } from "../model/ingest-log.ts";
import { ATTRIBUTES } from "../model/metric-names.ts";
import { BYTES, MalformedMessage } from "../model/protobuf-wire.ts";
import { failure, type Result, success } from "../model/result.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/** Tags of length-delimited fields 1 and 2, and of the fixed64 field 3. */
const [FIELD_1, FIELD_2, FIXED_3] = [0x0a, 0x12, 0x19];
/** `Metric.data`: gauge, sum, histogram, exponential histogram, summary. Their points are field 1 of each. */
const DATA_TAGS: ReadonlySet<number> = new Set([0x2a, 0x3a, 0x4a, 0x52, 0x5a]);
/** What a page may tell of. */
const PAGE_METRICS = "webrtc.";

const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/**
 * The request with the identity as resource attributes, in place of any such attributes it had, and with the receive time as the
 * time of its points, unless their own is later: the clocks of pages are wrong, a point must not end before its start, and where a
 * clock is ahead the points of a stream must not go back once the receive time has passed its start.
 * Failure `invalid` for a metric that is not a page's to tell, and for bytes that are no request.
 */
export function stampRequest(
  request: Uint8Array,
  identity: BridgeIdentity,
  receivedAtMillis: number,
): Result<Uint8Array> {
  const body = new Uint8Array(request);
  const writer = new ProtobufWriter(body.length + 512);
  try {
    eachField(body, 0, body.length, (tag, start, end) => {
      if (tag !== FIELD_1) return;
      stampPoints(body, start, end, BigInt(receivedAtMillis) * 1_000_000n);
      writer.tag(1, BYTES);
      writer.nested(() => writeResourceMetrics(writer, body, start, end, identity));
    });
    return success(writer.finish());
  } catch (error) {
    if (error instanceof MalformedMessage) return failure("invalid", error.message);
    throw error;
  }
}

function writeResourceMetrics(
  writer: ProtobufWriter,
  body: Uint8Array,
  start: number,
  end: number,
  { meeting, participant }: BridgeIdentity,
): void {
  writer.tag(1, BYTES);
  writer.nested(() => {
    eachField(body, start, end, (tag, from, to) => {
      if (tag === FIELD_1) copyResource(writer, body, from, to);
    });
    writeAttribute(writer, ATTRIBUTES.meetingId, meeting);
    writeAttribute(writer, ATTRIBUTES.participantId, participant);
  });
  eachField(body, start, end, (tag, from, to) => {
    if (tag === FIELD_1 || (tag & 7) !== BYTES) return;
    writer.tag(tag >>> 3, BYTES);
    writer.bytes(body.subarray(from, to));
  });
}

function copyResource(writer: ProtobufWriter, body: Uint8Array, start: number, end: number): void {
  eachField(body, start, end, (tag, from, to) => {
    if (tag !== FIELD_1) return;
    const key = utf8.decode(readKeyValue(body, from, to).key);
    if (key === ATTRIBUTES.meetingId || key === ATTRIBUTES.participantId) return;
    writer.tag(1, BYTES);
    writer.bytes(body.subarray(from, to));
  });
}

function writeAttribute(writer: ProtobufWriter, key: string, value: string): void {
  writer.tag(1, BYTES);
  writer.nested(() => {
    writer.tag(1, BYTES);
    writer.bytes(encoder.encode(key));
    writer.tag(2, BYTES);
    writer.nested(() => {
      writer.tag(1, BYTES);
      writer.bytes(encoder.encode(value));
    });
  });
}

/** `time_unix_nano` has a fixed width: it is written over in place. */
function stampPoints(body: Uint8Array, start: number, end: number, nanos: bigint): void {
  eachField(body, start, end, (scopeMetrics, scopeStart, scopeEnd) => {
    if (scopeMetrics !== FIELD_2) return;
    eachField(body, scopeStart, scopeEnd, (metric, metricStart, metricEnd) => {
      if (metric !== FIELD_2) return;
      eachField(body, metricStart, metricEnd, (tag, from, to) => {
        if (tag === FIELD_1) checkName(utf8.decode(body.subarray(from, to)), from);
        if (!DATA_TAGS.has(tag)) return;
        eachField(body, from, to, (point, pointStart, pointEnd) => {
          if (point === FIELD_1) stampPoint(body, pointStart, pointEnd, nanos);
        });
      });
    });
  });
}

function checkName(name: string, position: number): void {
  if (name.startsWith(PAGE_METRICS)) return;
  throw new MalformedMessage(`${name.slice(0, 64)} is not taken from a browser`, position);
}

function stampPoint(body: Uint8Array, start: number, end: number, nanos: bigint): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  eachField(body, start, end, (tag, from) => {
    if (tag === FIXED_3 && view.getBigUint64(from, true) < nanos) view.setBigUint64(from, nanos, true);
  });
}
