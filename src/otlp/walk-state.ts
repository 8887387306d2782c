/** What the functions of one walk share: the bytes, the point that is filled again and again, and its attributes so far. */
import { joinField, malformed, payloadEnd, payloadStart } from "../model/protobuf-wire.ts";
import { PointCursor } from "../model/point-cursor.ts";
import { checkKeyValue, tooManyAttributes } from "./check-attributes.ts";
import { isPlainKeyValue } from "./plain-key-value.ts";

/** Levels of a plain attribute: KeyValue, AnyValue. */
const PLAIN_DEPTH = 2;

/** Made once a walk. */
export interface WalkState {
  readonly body: Uint8Array;
  /** Over the same bytes as `body`. */
  readonly view: DataView;
  readonly point: PointCursor;
  readonly maxAttributes: number;
  /** Whether attributes are looked into; else only their extent is read. */
  readonly checksAttributes: boolean;
  /** How many levels of messages may still be inside a point. */
  readonly pointDepthLeft: number;
  /** Attributes of the current point so far. */
  attributeCount: number;
  /** Whether other fields lie between the attributes of the current point. */
  attributesSplit: boolean;
}

/** Builds the state of a walk over `body`. */
export function createWalkState(
  body: Uint8Array,
  maxAttributes: number,
  pointDepthLeft: number,
  checksAttributes: boolean,
): WalkState {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    body,
    view,
    point: new PointCursor(),
    maxAttributes,
    checksAttributes,
    pointDepthLeft,
    attributeCount: 0,
    attributesSplit: false,
  };
}

/**
 * Takes the attribute field that begins at `fieldStart` into the point's range. Returns the position after it. Throws
 * `MalformedMessage` when it is malformed or one too many.
 */
export function takeAttribute(state: WalkState, fieldStart: number, lengthStart: number, end: number): number {
  const { body, view, pointDepthLeft } = state;
  const start = payloadStart(body, lengthStart, end);
  const after = payloadEnd(body, lengthStart, start, end);
  const isChecked =
    !state.checksAttributes || (pointDepthLeft >= PLAIN_DEPTH && isPlainKeyValue(body, view, start, after));
  if (!isChecked) checkKeyValue(body, start, after, pointDepthLeft - 1);
  const point = state.point;
  state.attributeCount += 1;
  if (state.attributeCount > state.maxAttributes) tooManyAttributes(state.maxAttributes, fieldStart);
  if (point.attributesEnd === fieldStart) {
    point.attributesEnd = after;
  } else if (state.attributeCount === 1) {
    point.attributesStart = fieldStart;
    point.attributesEnd = after;
  } else {
    state.attributesSplit = true;
  }
  return after;
}

/** Ends a point: copies its attributes together if other fields lie between them. */
export function finishAttributes(state: WalkState, start: number, end: number, field: number): void {
  if (!state.attributesSplit) return;
  const point = state.point;
  point.body = joinField(state.body, start, end, field, true);
  point.attributesStart = 0;
  point.attributesEnd = point.body.length;
}

/** The position after the eight bytes at `start`. Throws `MalformedMessage` if that is beyond `end`. */
export function after8(start: number, end: number): number {
  if (start + 8 > end) malformed("a value is cut off", start);
  return start + 8;
}

/** Gives every field of a point the value it has in a new one, so that a kind does not see what another left. */
export function clearPoint(state: WalkState): void {
  const point = state.point;
  point.valueKind = "none";
  point.intHigh = 0;
  point.intLow = 0;
  point.double = 0;
  point.countHigh = 0;
  point.countLow = 0;
  point.hasSum = false;
  point.sum = 0;
  point.bucketCountsStart = 0;
  point.bucketCountsEnd = 0;
  point.boundsStart = 0;
  point.boundsEnd = 0;
  point.scale = 0;
  point.zeroCountHigh = 0;
  point.zeroCountLow = 0;
  point.zeroThreshold = 0;
  point.positiveOffset = 0;
  point.positiveStart = 0;
  point.positiveEnd = 0;
  point.hasNegative = false;
  point.bucketsBody = state.body;
  point.boundsBody = state.body;
  clearCommon(state);
}

/** Clears what points of every kind have; each reader clears the rest of its own kind. */
export function clearCommon(state: WalkState): void {
  const point = state.point;
  point.body = state.body;
  point.attributesStart = 0;
  point.attributesEnd = 0;
  point.startHigh = 0;
  point.startLow = 0;
  point.timeHigh = 0;
  point.timeLow = 0;
  point.flags = 0;
  state.attributeCount = 0;
  state.attributesSplit = false;
}
