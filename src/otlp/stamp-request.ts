/**
 * Puts who sent a request, and when it came, into the request itself: for what goes on to a Collector, which cannot be told
 * beside it. The fields that OTLP gives a request are copied as they are; others are left out.
 */
import { eachField, readKeyValue } from "../model/any-value.ts";
import type { BridgeIdentity } from "../model/ingest-log.ts";
import { ATTRIBUTES } from "../model/metric-names.ts";
import { BYTES, MalformedMessage } from "../model/protobuf-wire.ts";
import { failure, type Result, success } from "../model/result.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/** Tags of length-delimited fields 1 to 3, and of the fixed64 field 3. */
const [FIELD_1, FIELD_2, FIELD_3, FIXED_3] = [0x0a, 0x12, 0x1a, 0x19];
/** `Metric.data`: gauge, sum, histogram, exponential histogram, summary. Their points are field 1 of each. */
const DATA_TAGS: ReadonlySet<number> = new Set([0x2a, 0x3a, 0x4a, 0x52, 0x5a]);
/**
 * What is copied of a `Metric`: name, description, unit, data, metadata. Another field is not looked at here, but a Collector may
 * know it: so older forms of metrics would come past the check of names.
 */
const METRIC_TAGS: ReadonlySet<number> = new Set([FIELD_1, FIELD_2, FIELD_3, ...DATA_TAGS, 0x62]);
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
  const nanos = BigInt(receivedAtMillis) * 1_000_000n;
  try {
    eachField(body, 0, body.length, (tag, start, end) => {
      if (tag !== FIELD_1) return;
      writeMessage(writer, 1, () => writeResourceMetrics(writer, body, start, end, identity, nanos));
    });
    return success(writer.finish());
  } catch (error) {
    if (error instanceof MalformedMessage) return failure("invalid", error.message);
    throw error;
  }
}

/** `resource` = 1, `scope_metrics` = 2, `schema_url` = 3. Collectors take metrics from 1000, too, where they were once. */
function writeResourceMetrics(
  writer: ProtobufWriter,
  body: Uint8Array,
  start: number,
  end: number,
  { meeting, participant }: BridgeIdentity,
  nanos: bigint,
): void {
  writeMessage(writer, 1, () => {
    eachField(body, start, end, (tag, from, to) => {
      if (tag === FIELD_1) copyResource(writer, body, from, to);
    });
    writeAttribute(writer, ATTRIBUTES.meetingId, meeting);
    writeAttribute(writer, ATTRIBUTES.participantId, participant);
  });
  eachField(body, start, end, (tag, from, to) => {
    if (tag === FIELD_2) writeMessage(writer, 2, () => writeScopeMetrics(writer, body, from, to, nanos));
    if (tag === FIELD_3) copyField(writer, tag, body, from, to);
  });
}

/** `scope` = 1, `metrics` = 2, `schema_url` = 3. */
function writeScopeMetrics(writer: ProtobufWriter, body: Uint8Array, start: number, end: number, nanos: bigint): void {
  eachField(body, start, end, (tag, from, to) => {
    if (tag === FIELD_2) writeMessage(writer, 2, () => writeMetric(writer, body, from, to, nanos));
    if (tag === FIELD_1 || tag === FIELD_3) copyField(writer, tag, body, from, to);
  });
}

function writeMetric(writer: ProtobufWriter, body: Uint8Array, start: number, end: number, nanos: bigint): void {
  let hasName = false;
  eachField(body, start, end, (tag, from, to) => {
    if (tag === FIELD_1) {
      checkName(utf8.decode(body.subarray(from, to)), from);
      hasName = true;
    }
    if (DATA_TAGS.has(tag)) stampPoints(body, from, to, nanos);
    if (METRIC_TAGS.has(tag)) copyField(writer, tag, body, from, to);
  });
  if (!hasName) throw new MalformedMessage("a metric has no name", start);
}

function copyResource(writer: ProtobufWriter, body: Uint8Array, start: number, end: number): void {
  eachField(body, start, end, (tag, from, to) => {
    if (tag !== FIELD_1) return;
    const key = utf8.decode(readKeyValue(body, from, to).key);
    if (key === ATTRIBUTES.meetingId || key === ATTRIBUTES.participantId) return;
    copyField(writer, tag, body, from, to);
  });
}

function writeAttribute(writer: ProtobufWriter, key: string, value: string): void {
  writeMessage(writer, 1, () => {
    writer.tag(1, BYTES);
    writer.bytes(encoder.encode(key));
    writeMessage(writer, 2, () => {
      writer.tag(1, BYTES);
      writer.bytes(encoder.encode(value));
    });
  });
}

function writeMessage(writer: ProtobufWriter, field: number, write: () => void): void {
  writer.tag(field, BYTES);
  writer.nested(write);
}

/** Of a field with a length, whose payload is given. */
function copyField(writer: ProtobufWriter, tag: number, body: Uint8Array, start: number, end: number): void {
  writer.tag(tag >>> 3, BYTES);
  writer.bytes(body.subarray(start, end));
}

function checkName(name: string, position: number): void {
  if (name.startsWith(PAGE_METRICS)) return;
  throw new MalformedMessage(`${name.slice(0, 64)} is not taken from a browser`, position);
}

/** `time_unix_nano` has a fixed width: it is written over in place. */
function stampPoints(body: Uint8Array, start: number, end: number, nanos: bigint): void {
  eachField(body, start, end, (tag, from, to) => {
    if (tag === FIELD_1) stampPoint(body, from, to, nanos);
  });
}

function stampPoint(body: Uint8Array, start: number, end: number, nanos: bigint): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  eachField(body, start, end, (tag, from) => {
    if (tag === FIXED_3 && view.getBigUint64(from, true) < nanos) view.setBigUint64(from, nanos, true);
  });
}
