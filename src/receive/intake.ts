/**
 * The door: opens a request, looks at it, splits it by shard and appends it to their logs. Success, which becomes a 2xx,
 * comes only after every log has its part.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../model/clock.ts";
import { MAX_LOGGED_BODY_BYTES } from "../model/ingest-log.ts";
import type { AppendedEntry, BridgeIdentity, IngestLog, LogEntryInput } from "../model/ingest-log.ts";
import type { OpenBody, WalkMetrics } from "../model/metrics-walk.ts";
import type { OtlpAcceptance, OtlpRequest, PageSender } from "../model/otlp-exchange.ts";
import { failure, retryable, success, type Result } from "../model/result.ts";
import { BodyBudget } from "./body-budget.ts";
import { RequestInspection, type ShardPart } from "./request-inspection.ts";
import type { TenantGate } from "./tenant-gate.ts";
import { TenantLook } from "./tenant-look.ts";

/** What the door works with. */
export interface IntakeOptions {
  readonly clock: Clock;
  /** The shards as they are now; asked once for each request. */
  readonly shards: () => IntakeShards;
  readonly openBody: OpenBody;
  readonly walk: WalkMetrics;
  /**
   * Inflated bytes that requests may hold while their logs are written: a small body can be large inside. One that alone has more, or more
   * than {@link MAX_LOGGED_BODY_BYTES}, can never be taken.
   */
  readonly maxOpenBytes: number;
  /** `METRICS_DELTA_MAX_AGE`, milliseconds. */
  readonly deltaMaxAgeMillis: number;
  /** Whether anything may be taken in now: retryable before the first migration and while shutting down. */
  readonly gate: () => Result<void>;
  /** Keeps the limits of tenants; undefined while none has any. */
  readonly tenants?: () => TenantGate | undefined;
  /** Puts a token's tenant into those resources of an inflated body that name none. */
  readonly nameTenant: (body: Uint8Array, tenant: string) => Result<Uint8Array>;
}

/** What the door sees of the shards. */
export interface IntakeShards {
  /** The log of each shard, by shard number. */
  readonly logs: readonly IngestLog[];
  /** Told of every append, so that the fold need not read it back. */
  appended(append: IntakeAppend): void;
}

/** What the door has appended to a log. */
export interface IntakeAppend {
  readonly shard: number;
  readonly to: AppendedEntry;
  /** The entry as the log holds it. */
  readonly entry: LogEntryInput;
  /** Its inflated body, protobuf; the door does not use it again. */
  readonly body: Uint8Array;
  /** Whether no point of the request was refused: then the fold need not judge it again. */
  readonly isClean: boolean;
}

/** What the door has seen since start. All are whole and only grow. */
export interface IntakeCounts {
  requests: number;
  acceptedPoints: number;
  rejectedPoints: number;
  /** Of the rejected points, those refused for their time, and those refused for their value. */
  rejectedForTime: number;
  rejectedForValue: number;
  /** Of the rejected points, those of tenants over a limit, or of another tenant than the token's. */
  rejectedForTenant: number;
  ignoredPoints: number;
  retryableAnswers: number;
}

/**
 * A request that is appended later than this after it was received is refused: its machine slept, or its clock was set. By then the sender has
 * sent it again, and the fold, which goes by the receive time, may have forgotten that.
 */
const MAX_DOOR_MILLIS = 60_000;

const NOTHING_REJECTED: OtlpAcceptance = { rejectedPoints: 0, message: "" };
const compress = promisify(gzip);
const NO_HASH = new Uint8Array(0);

/** Takes requests in. */
export class Intake {
  readonly counts: IntakeCounts = {
    requests: 0,
    acceptedPoints: 0,
    rejectedPoints: 0,
    rejectedForTime: 0,
    rejectedForValue: 0,
    rejectedForTenant: 0,
    ignoredPoints: 0,
    retryableAnswers: 0,
  };
  readonly #options: IntakeOptions;
  readonly #open: BodyBudget;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#open = new BodyBudget(options.maxOpenBytes);
  }

  /** Bytes of opened bodies that are held now. */
  get openBytes(): number {
    return this.#open.bytes;
  }

  /**
   * Takes a request in. Failure `invalid` or `too_large` when it cannot be read; retryable when a log is full or out of
   * reach, even if other shards took their part: the repetition is recognised there.
   * @param page set for what a page sent over the bridge
   */
  async accept(request: OtlpRequest, page?: PageSender): Promise<Result<OtlpAcceptance>> {
    this.counts.requests++;
    const outcome = await this.#accept(request, page);
    if (outcome.kind === "retryable") this.counts.retryableAnswers++;
    return outcome;
  }

  async #accept(request: OtlpRequest, page: PageSender | undefined): Promise<Result<OtlpAcceptance>> {
    const open = this.#options.gate();
    if (open.kind !== "success") return open;
    const opened = await this.#openNamed(request);
    if (opened.kind !== "success") return opened;
    // Once it is appended the fold may have given its memory back: its length is then 0.
    const openBytes = opened.value.body.length;
    if (!this.#open.take(openBytes)) return retryable("overloaded", "too many bodies are open; try again");
    try {
      const looked = page?.look?.(opened.value.body) ?? success(undefined);
      return looked.kind === "success" ? await this.#inspect(request, opened.value, page?.identity) : looked;
    } finally {
      this.#open.give(openBytes);
    }
  }

  /** The body in the form that is looked at and divided, and no larger than whoever reads it from a log will open. */
  async #openNamed({ body, contentType, encoding, tenant }: OtlpRequest): Promise<Result<OpenedBody>> {
    const { openBody, nameTenant, maxOpenBytes } = this.#options;
    const opened = await openBody(body, contentType, encoding);
    if (opened.kind !== "success") return opened;
    const named = tenant === undefined ? opened : nameTenant(opened.value, tenant);
    if (named.kind !== "success") return named;
    const most = Math.min(maxOpenBytes, MAX_LOGGED_BODY_BYTES);
    if (named.value.length > most) {
      return failure(
        "too_large",
        `the body has ${named.value.length} bytes once it is opened; at most ${most} are taken`,
      );
    }
    return success({ body: named.value, isAsItCame: named.value === opened.value });
  }

  async #inspect(
    request: OtlpRequest,
    opened: OpenedBody,
    identity: BridgeIdentity | undefined,
  ): Promise<Result<OtlpAcceptance>> {
    const { walk, deltaMaxAgeMillis } = this.#options;
    const shards = this.#options.shards();
    const fromBridge = identity !== undefined;
    const context = { receivedAtMillis: request.receivedAtMillis, deltaMaxAgeMillis, fromBridge };
    const tenants = this.#lookAtTenants(request, fromBridge);
    const inspection = new RequestInspection(shards.logs.length, context, identity, tenants);
    const walked = walk(opened.body, inspection);
    if (walked.kind !== "success") return walked;
    const refused = tenants && refusalOfAll(tenants, inspection);
    if (refused !== undefined) return refused;
    tenants?.take(1);
    const appended = await append(this.#options.clock, shards, {
      ...opened,
      request,
      inspection,
      identity,
      tenants,
    });
    if (appended.kind !== "success") {
      tenants?.take(-1);
      return appended;
    }
    tenants?.tellRefused();
    this.#count(inspection);
    const { rejectedPoints, message } = inspection;
    return success(rejectedPoints === 0 ? NOTHING_REJECTED : { rejectedPoints, message });
  }

  /** Undefined where tenants need not be told apart: then nothing is read of them. */
  #lookAtTenants({ tenant }: OtlpRequest, isPage: boolean): TenantLook | undefined {
    const gate = this.#options.tenants?.();
    return gate === undefined && tenant === undefined ? undefined : new TenantLook(gate, { tenant, isPage });
  }

  #count(inspection: RequestInspection): void {
    for (const part of inspection.countedParts) this.counts.acceptedPoints += part.countedPoints;
    this.counts.rejectedPoints += inspection.rejectedPoints;
    this.counts.rejectedForTime += inspection.rejectedForTime;
    this.counts.rejectedForValue += inspection.rejectedForValue;
    this.counts.rejectedForTenant += inspection.rejectedForTenant;
    this.counts.ignoredPoints += inspection.ignoredPoints;
  }
}

/** A request's body as the door looks at it. */
interface OpenedBody {
  /** Inflated, protobuf. */
  readonly body: Uint8Array;
  /** Whether the body says what came, so that it can be stored in the form in which it came. */
  readonly isAsItCame: boolean;
}

/** A request that was looked at. */
interface LookedAtRequest extends OpenedBody {
  readonly request: OtlpRequest;
  readonly inspection: RequestInspection;
  readonly identity: BridgeIdentity | undefined;
  readonly tenants: TenantLook | undefined;
}

async function append(clock: Clock, shards: IntakeShards, looked: LookedAtRequest): Promise<Result<void>> {
  const { request, body, isAsItCame, inspection, identity } = looked;
  const outcomes = await Promise.all(
    inspection.countedParts.map(async (part) => {
      const piece = shards.logs.length === 1 && inspection.isWhole ? body : pieceOf(body, part);
      const whole = isAsItCame && piece.length === body.length;
      const entry = entryOf(request, part, piece, identity);
      const stored = whole ? entry : { ...entry, ...(await compressed(piece)) };
      if (clock.nowMillis() - request.receivedAtMillis > MAX_DOOR_MILLIS) {
        return retryable("unavailable", "the receiver stood still while it had the request; try again");
      }
      return appendPart(shards, looked, part, stored, piece);
    }),
  );
  return outcomes.find(({ kind }) => kind !== "success") ?? success(undefined);
}

async function appendPart(
  shards: IntakeShards,
  { inspection, tenants }: LookedAtRequest,
  part: ShardPart,
  entry: LogEntryInput,
  piece: Uint8Array,
): Promise<Result<void>> {
  const { shard } = part;
  const log = shards.logs[shard];
  if (!log) return retryable("internal", `there is no log for shard ${shard}`);
  const appended = await log.append(entry);
  if (appended.kind !== "success") return appended;
  if (part.tenants) tenants?.appended(shard, appended.value, entry.body.length, part.tenants);
  shards.appended({ shard, to: appended.value, entry, body: piece, isClean: inspection.rejectedPoints === 0 });
  return success(undefined);
}

/** The answer to a request of which only limits kept everything out: it may come again, and then nothing of it is lost. */
function refusalOfAll(tenants: TenantLook, { countedParts }: RequestInspection): Result<never> | undefined {
  const { longest } = tenants;
  if (longest === undefined || countedParts.length > 0) return undefined;
  tenants.tellRefused();
  return retryable("limited", longest.reason, longest.retryAfterSeconds);
}

/** The bytes of a shard's `ResourceMetrics`: a protobuf message is the concatenation of its fields. */
function pieceOf(body: Uint8Array, { ranges }: ShardPart): Uint8Array {
  return Buffer.concat(ranges.map(([start, end]) => body.subarray(start, end)));
}

/** A piece in the form it is stored in: compressed, because the log's memory is dear. */
async function compressed(piece: Uint8Array): Promise<Pick<LogEntryInput, "contentType" | "encoding" | "body">> {
  return { contentType: "protobuf", encoding: "gzip", body: await compress(piece, { level: 1 }) };
}

function entryOf(
  { contentType, encoding, body, receivedAtMillis }: OtlpRequest,
  part: ShardPart,
  piece: Uint8Array,
  identity: BridgeIdentity | undefined,
): LogEntryInput {
  const bodyHash = part.hasDelta ? createHash("sha256").update(piece).digest() : NO_HASH;
  const entry = { contentType, encoding, body, receivedAtMillis, bodyHash };
  return identity ? { ...entry, identity } : entry;
}
