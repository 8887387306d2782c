/**
 * The door's look at a request: which points can be counted, which are refused and why, and to which shard each
 * `ResourceMetrics` belongs. The fold later applies the same rules to the same bytes.
 */
import { isRefusedForTime, refuseMetric, refusePoint, type AdmissionContext } from "../model/admission.ts";
import { readResourceAttributes } from "../model/attributes.ts";
import type { BridgeIdentity } from "../model/ingest-log.ts";
import { metricMeaning, type MetricMeaning } from "../model/metric-meaning.ts";
import type { MetricHeader, MetricVisitor } from "../model/metric-visitor.ts";
import type { PointCursor } from "../model/point-cursor.ts";
import { resourceDimensions, resourceSlot } from "../model/resource-identity.ts";
import { shardOf } from "../model/slot.ts";
import type { TenantLook } from "./tenant-look.ts";

/** The part of a request that one shard takes. */
export interface ShardPart {
  readonly shard: number;
  /** Ranges of whole `ResourceMetrics` fields, in order; neighbours are one range. */
  readonly ranges: [start: number, end: number][];
  /** Bytes of them by tenant; undefined where tenants are not told apart. */
  tenants: Map<string, number> | undefined;
  /** Whether it holds delta points that count. */
  hasDelta: boolean;
  /** Points of ours that can be counted. */
  countedPoints: number;
}

/** Different reasons that a message names. */
const MAX_REASONS = 5;

/** Looks at one request; use a new one for each. */
export class RequestInspection implements MetricVisitor {
  readonly parts: Map<number, ShardPart> = new Map();
  rejectedPoints = 0;
  /** Of the rejected points, those refused for their time. */
  rejectedForTime = 0;
  /** Of the rejected points, those refused for their value. */
  rejectedForValue = 0;
  /** Of the rejected points, those of tenants over a limit of theirs, and those of another tenant than the token's. */
  rejectedForTenant = 0;
  ignoredPoints = 0;
  /** Whether every resource of the request is in one of its parts. */
  isWhole = true;
  readonly #shardCount: number;
  readonly #context: AdmissionContext;
  readonly #identity: BridgeIdentity | undefined;
  readonly #tenants: TenantLook | undefined;
  readonly #reasons = new Set<string>();
  #meaning: MetricMeaning | undefined;
  #header: MetricHeader | undefined;
  #part: ShardPart | undefined;
  /** Why nothing of the resource is taken. */
  #refusal: string | undefined;

  constructor(shardCount: number, context: AdmissionContext, identity?: BridgeIdentity, tenants?: TenantLook) {
    this.#shardCount = shardCount;
    this.#context = context;
    this.#identity = identity;
    this.#tenants = tenants;
  }

  /** Why points were rejected, in one line; empty when none was. */
  get message(): string {
    return [...this.#reasons].join("; ");
  }

  /** The number of resources' parts that hold anything to count. */
  get countedParts(): ShardPart[] {
    return [...this.parts.values()].filter(({ countedPoints }) => countedPoints > 0);
  }

  resource(body: Uint8Array, start: number, end: number, messageStart: number, messageEnd: number): void {
    if (this.#tenants !== undefined) {
      this.#tenantResource(this.#tenants, body, start, end, messageStart, messageEnd);
      return;
    }
    const shard = this.#shardCount === 1 ? 0 : this.#shard(body, start, end);
    this.#add(shard, messageStart, messageEnd);
  }

  #add(shard: number, messageStart: number, messageEnd: number): ShardPart {
    let part = this.parts.get(shard);
    if (!part) {
      part = { shard, ranges: [], tenants: undefined, hasDelta: false, countedPoints: 0 };
      this.parts.set(shard, part);
    }
    const last = part.ranges.at(-1);
    if (last?.[1] === messageStart) last[1] = messageEnd;
    else part.ranges.push([messageStart, messageEnd]);
    this.#part = part;
    return part;
  }

  #tenantResource(
    tenants: TenantLook,
    body: Uint8Array,
    start: number,
    end: number,
    messageStart: number,
    messageEnd: number,
  ): void {
    const dimensions = resourceDimensions(readResourceAttributes(body, start, end), this.#identity);
    const shard = shardOf(resourceSlot(dimensions), this.#shardCount);
    const bytes = messageEnd - messageStart;
    this.#refusal = tenants.resource(dimensions.namespace, shard, bytes);
    if (this.#refusal !== undefined) {
      this.isWhole = false;
      return;
    }
    const part = this.#add(shard, messageStart, messageEnd);
    part.tenants ??= new Map();
    part.tenants.set(tenants.tenant, (part.tenants.get(tenants.tenant) ?? 0) + bytes);
  }

  #shard(body: Uint8Array, start: number, end: number): number {
    const dimensions = resourceDimensions(readResourceAttributes(body, start, end), this.#identity);
    return shardOf(resourceSlot(dimensions), this.#shardCount);
  }

  scope(): boolean {
    return true;
  }

  metric(header: MetricHeader): boolean {
    this.#meaning = metricMeaning(header.name);
    if (this.#meaning === undefined || refuseMetric(header, this.#meaning, this.#context.fromBridge) !== undefined)
      return false;
    this.#header = header;
    return this.#refusal === undefined;
  }

  point(point: PointCursor): void {
    const [header, meaning, part] = [this.#header!, this.#meaning!, this.#part!];
    const refusal = refusePoint(header, meaning, point, this.#context);
    if (refusal !== undefined) {
      if (isRefusedForTime(refusal)) this.rejectedForTime++;
      else this.rejectedForValue++;
      this.#reject(1, refusal);
      return;
    }
    part.countedPoints++;
    this.#tenants?.counted();
    if (header.temporality === "delta") part.hasDelta = true;
  }

  skipped(header: MetricHeader, pointCount: number): void {
    const meaning = metricMeaning(header.name);
    const refusal = meaning && refuseMetric(header, meaning, this.#context.fromBridge);
    if (refusal !== undefined) this.#reject(pointCount, refusal);
    else if (meaning === undefined || this.#refusal === undefined) this.ignoredPoints += pointCount;
    else {
      this.rejectedForTenant += pointCount;
      this.#tenants?.refused(pointCount);
      this.#reject(pointCount, this.#refusal);
    }
  }

  #reject(points: number, reason: string): void {
    this.rejectedPoints += points;
    if (this.#reasons.size < MAX_REASONS) this.#reasons.add(reason);
  }
}
