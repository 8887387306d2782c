/**
 * The requests of the demo's load: a mix of everything whose bytes are easy to get wrong, the same for the same seed.
 */

/** One request to send. */
export interface PlannedRequest {
  readonly method: string;
  readonly path: string;
  /** The route that answers, as OpenTelemetry's Express instrumentation names it. */
  readonly route: string;
  readonly contentType: string;
  readonly body: Buffer | undefined;
  /** Sent in chunks, without `Content-Length`. */
  readonly chunked: boolean;
}

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** The largest upload, bytes. */
export const MAX_UPLOAD_BYTES: number = 2 * 1024 * 1024;

const KIBIBYTE = 1024;
/** Of the uploads, those that may be as large as the largest; the others are small. */
const LARGE_UPLOAD_SHARE = 0.05;
const SMALL_UPLOAD_BYTES = 64 * KIBIBYTE;

/** Random numbers that a seed determines (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Plans requests: call it once for each. */
export function requestPlan(random: Random): () => PlannedRequest {
  const whole = (min: number, max: number): number => min + Math.floor(random() * (max - min + 1));
  const uploadBytes = Buffer.from(Uint8Array.from({ length: MAX_UPLOAD_BYTES }, () => whole(0, 255)));
  const kinds: readonly (readonly [weight: number, plan: () => PlannedRequest])[] = [
    [32, () => get(`/api/products?count=${whole(1, 50)}`, "/api/products")],
    [18, () => order(JSON.stringify({ items: Array.from({ length: whole(1, 20) }, () => whole(1, 9999)) }))],
    [2, () => order('{"items": [1,')],
    [10, () => upload(`photo-${whole(1, 500)}`, uploadBytes.subarray(0, uploadSize()), false)],
    [6, () => upload(`video-${whole(1, 500)}`, uploadBytes.subarray(0, uploadSize()), true)],
    [12, () => get(`/api/reports/${whole(1, 100_000)}?pages=${whole(1, 20)}`, "/api/reports/:id")],
    [8, () => get(`/api/export?rows=${whole(10, 2000)}`, "/api/export")],
    [4, () => ({ ...get(`/api/products?count=${whole(1, 50)}`, "/api/products"), method: "HEAD" })],
    [4, () => ({ ...get(`/api/orders/${whole(1, 100_000)}`, "/api/orders/:id"), method: "DELETE" })],
    [2, () => get("/api/failing", "/api/failing")],
    // No route matches below the router's mount point, and that is what Express instrumentation names.
    [2, () => get(`/api/missing/${whole(1, 100_000)}`, "/api")],
  ];
  const uploadSize = (): number => whole(0, random() < LARGE_UPLOAD_SHARE ? MAX_UPLOAD_BYTES : SMALL_UPLOAD_BYTES);
  const totalWeight = kinds.reduce((total, [weight]) => total + weight, 0);
  return () => {
    let place = random() * totalWeight;
    const chosen = kinds.find(([weight]) => (place -= weight) < 0) ?? kinds[0]!;
    return chosen[1]();
  };
}

function get(path: string, route: string): PlannedRequest {
  return { method: "GET", path, route, contentType: "", body: undefined, chunked: false };
}

function order(json: string): PlannedRequest {
  const body = Buffer.from(json);
  return {
    method: "POST",
    path: "/api/orders",
    route: "/api/orders",
    contentType: "application/json",
    body,
    chunked: false,
  };
}

function upload(name: string, body: Buffer, chunked: boolean): PlannedRequest {
  const contentType = "application/octet-stream";
  return { method: "PUT", path: `/api/uploads/${name}`, route: "/api/uploads/:name", contentType, body, chunked };
}
