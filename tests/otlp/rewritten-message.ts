/**
 * Writes a message again in another form that protobuf says means the same: fields in another order, unknown fields,
 * singular messages in pieces, packed numbers unpacked or in pieces, a oneof that another member came before.
 */
import type protobuf from "protobufjs";

interface WireField {
  readonly number: number;
  readonly wireType: number;
  readonly payload: Buffer;
}

/** Whole numbers below `bound`, from a seeded source. */
export type RandomBelow = (bound: number) => number;

/** Writes `body`, a message of `type`, in another form. */
export function rewriteMessage(type: protobuf.Type, body: Uint8Array, random: RandomBelow): Buffer {
  const fields = fieldsOf(Buffer.from(body)).flatMap((field) => rewriteField(type, field, random));
  for (let extra = random(3); extra > 0; extra -= 1) fields.splice(random(fields.length + 1), 0, unknownField(random));
  return Buffer.concat(shuffled(type, fields, random).map(encodeField));
}

function rewriteField(type: protobuf.Type, field: WireField, random: RandomBelow): WireField[] {
  const definition = type.fieldsById[field.number];
  if (definition === undefined) return [field];
  const resolved = definition.resolve();
  if (resolved.resolvedType !== null && "fieldsById" in resolved.resolvedType) {
    const payload = rewriteMessage(resolved.resolvedType, field.payload, random);
    const pieces = resolved.repeated || random(3) > 0 ? [{ ...field, payload }] : splitMessage(field, payload, random);
    return [...decoys(type, resolved, random), ...pieces];
  }
  if (resolved.repeated && field.wireType === 2) return splitPacked(resolved.type, field, random);
  return [...decoys(type, resolved, random), field];
}

/** Another member of the same oneof, which the real one must replace. */
function decoys(type: protobuf.Type, field: protobuf.Field, random: RandomBelow): WireField[] {
  if (type.name === "Metric" && field.partOf?.name === "data" && random(4) === 0) {
    // A gauge before a sum and a sum before all others, each with one empty point.
    return [{ number: field.name === "sum" ? 5 : 7, wireType: 2, payload: Buffer.from([0x0a, 0]) }].filter(
      (decoy) => decoy.number !== field.id,
    );
  }
  if (type.name === "NumberDataPoint" && field.partOf?.name === "value" && random(4) === 0) {
    return [{ number: field.id === 4 ? 6 : 4, wireType: 1, payload: Buffer.alloc(8, 7) }];
  }
  return [];
}

function splitMessage(field: WireField, payload: Buffer, random: RandomBelow): WireField[] {
  const inner = fieldsOf(payload);
  const at = random(inner.length + 1);
  return [inner.slice(0, at), inner.slice(at)].map((part) => ({
    ...field,
    payload: Buffer.concat(part.map(encodeField)),
  }));
}

function splitPacked(type: string, field: WireField, random: RandomBelow): WireField[] {
  const isVarint = type === "uint64";
  const items = isVarint ? varintsOf(field.payload) : eightsOf(field.payload);
  if (random(3) === 0) return [field];
  if (random(2) === 0) return items.map((payload) => ({ number: field.number, wireType: isVarint ? 0 : 1, payload }));
  const at = random(items.length + 1);
  const one = items[at];
  const pieces: WireField[] = [{ ...field, payload: Buffer.concat(items.slice(0, at)) }];
  if (one !== undefined) pieces.push({ number: field.number, wireType: isVarint ? 0 : 1, payload: one });
  return [...pieces, { ...field, payload: Buffer.concat(items.slice(at + 1)) }];
}

function unknownField(random: RandomBelow): WireField {
  const number = [100, 15_000, 2 ** 29 - 1][random(3)]!;
  switch (random(4)) {
    case 0:
      return { number, wireType: 0, payload: varint(BigInt(random(2 ** 30)) << BigInt(random(34))) };
    case 1:
      return { number, wireType: 1, payload: Buffer.alloc(8, random(256)) };
    case 2:
      return { number, wireType: 2, payload: Buffer.alloc(random(200), random(256)) };
    default:
      return { number, wireType: 5, payload: Buffer.alloc(4, random(256)) };
  }
}

/** Any order that keeps fields of one number, and members of one oneof, in theirs. */
function shuffled(type: protobuf.Type, fields: WireField[], random: RandomBelow): WireField[] {
  const queues = new Map<string, WireField[]>();
  for (const field of fields) {
    const key = type.fieldsById[field.number]?.partOf?.name ?? String(field.number);
    queues.set(key, [...(queues.get(key) ?? []), field]);
  }
  const result: WireField[] = [];
  while (queues.size > 0) {
    const key = [...queues.keys()][random(queues.size)]!;
    const queue = queues.get(key)!;
    result.push(queue.shift()!);
    if (queue.length === 0) queues.delete(key);
  }
  return result;
}

function fieldsOf(body: Buffer): WireField[] {
  const fields: WireField[] = [];
  for (let position = 0; position < body.length;) {
    const tag = readVarint(body, position);
    const wireType = Number(tag.value & 7n);
    let start = tag.after;
    let end = start + (wireType === 1 ? 8 : 4);
    if (wireType === 0) end = readVarint(body, start).after;
    if (wireType === 2) {
      const length = readVarint(body, start);
      start = length.after;
      end = start + Number(length.value);
    }
    fields.push({ number: Number(tag.value >> 3n), wireType, payload: body.subarray(start, end) });
    position = end;
  }
  return fields;
}

function encodeField(field: WireField): Buffer {
  const tag = varint((BigInt(field.number) << 3n) | BigInt(field.wireType));
  return Buffer.concat(
    field.wireType === 2 ? [tag, varint(BigInt(field.payload.length)), field.payload] : [tag, field.payload],
  );
}

function varintsOf(packed: Buffer): Buffer[] {
  const items: Buffer[] = [];
  for (let position = 0; position < packed.length;) {
    const { after } = readVarint(packed, position);
    items.push(packed.subarray(position, after));
    position = after;
  }
  return items;
}

function eightsOf(packed: Buffer): Buffer[] {
  return Array.from({ length: packed.length / 8 }, (_, index) => packed.subarray(index * 8, index * 8 + 8));
}

function readVarint(body: Buffer, position: number): { value: bigint; after: number } {
  let value = 0n;
  for (let after = position, shift = 0n; ; after += 1, shift += 7n) {
    value |= BigInt(body[after]! & 0x7f) << shift;
    if (body[after]! < 0x80) return { value, after: after + 1 };
  }
}

/** A number as a varint. */
export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}
