/**
 * What a stored series is about, and its id. Rows of the rollup tables point to `series` by this id, so it must be the
 * same in every process and for ever.
 */
import { createHash } from "node:crypto";

/** The protocol a row counts. */
export type Protocol = "http" | "webrtc";

/** Which end of an exchange a series was seen from; WebRTC series are seen from the client. */
export type Side = "server" | "client";

/** The columns of `series`. Absent text is "", an absent status code is 0. */
export interface SeriesDimensions {
  readonly protocol: Protocol;
  readonly namespace: string;
  readonly service: string;
  readonly environment: string;
  readonly side: Side;
  readonly method: string;
  readonly route: string;
  readonly statusCode: number;
  readonly meetingId: string;
  readonly participantId: string;
}

/** The longest text kept of each dimension, in UTF-16 units: the widths of the columns of `series`. */
export const DIMENSION_LENGTHS = {
  namespace: 128,
  service: 128,
  environment: 64,
  method: 16,
  route: 512,
  meetingId: 128,
  participantId: 128,
} as const;

/** The service and route of the row that takes what comes after a shard's series limit is reached. */
export const OVERFLOW_NAME = "__other__";

/**
 * Cuts every dimension to its column's width, so that the id is that of what is stored. What a slot is made of stays different where it
 * was: else two shards would write one row.
 */
export function fitDimensions(dimensions: SeriesDimensions): SeriesDimensions {
  return {
    ...dimensions,
    namespace: fitName(dimensions.namespace, DIMENSION_LENGTHS.namespace),
    service: fitName(dimensions.service, DIMENSION_LENGTHS.service),
    environment: fitName(dimensions.environment, DIMENSION_LENGTHS.environment),
    method: fitText(dimensions.method, DIMENSION_LENGTHS.method),
    route: fitText(dimensions.route, DIMENSION_LENGTHS.route),
    meetingId: fitName(dimensions.meetingId, DIMENSION_LENGTHS.meetingId),
    participantId: fitText(dimensions.participantId, DIMENSION_LENGTHS.participantId),
  };
}

/** Cuts text to a column's width, UTF-16 units. */
export function fitText(text: string, length: number): string {
  if (text.length <= length) return text;
  // Half a surrogate pair at the cut is not valid UTF-8 and would be refused by SQL.
  return text.slice(0, length).toWellFormed();
}

/** Hexadecimal digits of the digest that a cut name ends with: as many bits as the id of a series has. */
const NAME_DIGEST_LENGTH = 16;

/** Cuts a name to a column's width, UTF-16 units. Where it is too long it ends with a digest of the whole, so that no two become one. */
export function fitName(name: string, length: number): string {
  if (name.length <= length) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, NAME_DIGEST_LENGTH);
  return `${fitText(name, length - NAME_DIGEST_LENGTH - 1)}~${digest}`;
}

/** The 64-bit id of a series, signed so that it fits BIGINT and SQLite's INTEGER. */
export function seriesId(dimensions: SeriesDimensions): bigint {
  const d = dimensions;
  return hash64([
    d.protocol,
    d.namespace,
    d.service,
    d.environment,
    d.side,
    d.method,
    d.route,
    d.statusCode,
    d.meetingId,
    d.participantId,
  ]);
}

/** The series that a shard's overflow is counted in, or that of one namespace of it. */
export function overflowDimensions(shard: number, protocol: Protocol, side: Side, namespace = ""): SeriesDimensions {
  return {
    protocol,
    namespace,
    service: OVERFLOW_NAME,
    environment: "",
    side,
    method: "",
    route: `shard-${shard}`,
    statusCode: 0,
    meetingId: "",
    participantId: "",
  };
}

/** Who a row of the service latency tables is about: one row a key and bucket. */
export interface ServiceLatencyKey {
  readonly namespace: string;
  readonly service: string;
  readonly environment: string;
  readonly side: Side;
  readonly protocol: Protocol;
  readonly shard: number;
}

/** The 64-bit id of a service latency row, signed. */
export function serviceLatencyId(key: ServiceLatencyKey): bigint {
  return hash64([key.namespace, key.service, key.environment, key.side, key.protocol, key.shard]);
}

function hash64(parts: readonly (string | number)[]): bigint {
  return createHash("sha256").update(JSON.stringify(parts)).digest().readBigInt64BE(0);
}
