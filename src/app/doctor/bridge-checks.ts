/**
 * Checks of the bridge: keys that can be had and not guessed, origins that can connect, a Collector that answers.
 */
import { messageOf } from "../../model/result.ts";
import { isLoopback } from "../loopback.ts";
import type { ReceiverSettings } from "../settings.ts";
import { fail, ok, warn, type Check } from "./check.ts";

const MIN_DIFFERENT_CHARACTERS = 10;
const PROBE_TIMEOUT_MILLIS = 3000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** One check for each part of the bridge that is set. */
export async function bridgeChecks(settings: ReceiverSettings): Promise<readonly Check[]> {
  const { bridgeJwtSecret, bridgeJwksUrl, bridgeForwardUrl } = settings;
  const checks: Check[] = [];
  if (bridgeJwtSecret !== undefined) checks.push(secretCheck(bridgeJwtSecret));
  if (bridgeJwksUrl !== undefined) checks.push(await keySetCheck(bridgeJwksUrl));
  if (bridgeJwtSecret === undefined && bridgeJwksUrl === undefined) {
    const meaning = "the receiver makes one up at each start and prints tokens, for this machine alone";
    checks.push(ok("BRIDGE_JWT_SECRET", `neither it nor BRIDGE_JWKS_URL is set: ${meaning}`));
  }
  checks.push(...originChecks(settings));
  if (bridgeForwardUrl !== undefined) checks.push(await forwardCheck(bridgeForwardUrl, settings.bridgeForwardToken));
  return checks;
}

function secretCheck(secret: string): Check {
  if (new Set(secret).size >= MIN_DIFFERENT_CHARACTERS) return ok("BRIDGE_JWT_SECRET", "hard to guess");
  return warn("BRIDGE_JWT_SECRET", "can be guessed: set one made by openssl rand -base64 32");
}

async function keySetCheck(url: string): Promise<Check> {
  const subject = "BRIDGE_JWKS_URL";
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MILLIS) });
    const text = await response.text();
    if (!response.ok) return fail(subject, `${url} answers ${response.status}: no token can be checked; correct it`);
    const keys = text.length > MAX_ANSWER_BYTES ? undefined : (JSON.parse(text) as { keys?: unknown } | null)?.keys;
    if (!Array.isArray(keys)) return fail(subject, `${url} is no key set: it must be JSON with "keys" (RFC 7517)`);
    if (keys.length === 0) return fail(subject, `${url} holds no key: no token is valid`);
    return ok(subject, `${keys.length} ${keys.length === 1 ? "key" : "keys"} at ${url}`);
  } catch (error) {
    return fail(subject, `${url}: ${causeOf(error)}: no token can be checked; correct it, or let it be reached`);
  }
}

function originChecks({ bridgeHost, bridgeOrigins }: ReceiverSettings): readonly Check[] {
  const subject = "BRIDGE_ORIGINS";
  if (bridgeOrigins.includes("*")) return [warn(subject, "* lets pages of every origin try tokens: name your own")];
  if (bridgeOrigins.length > 0) return [ok(subject, `pages of ${bridgeOrigins.join(", ")} may connect`)];
  if (isLoopback(bridgeHost)) return [];
  return [
    warn(subject, "is not set: only pages that come from the bridge's own host and port may connect; name yours"),
  ];
}

/** An empty request is one that every Collector takes, and that changes nothing. */
async function forwardCheck(url: string, token: string | undefined): Promise<Check> {
  const subject = "BRIDGE_FORWARD_URL";
  const address = new URL(url);
  if (address.pathname === "/") address.pathname = "/v1/metrics";
  try {
    const response = await fetch(address, {
      method: "POST",
      redirect: "manual",
      headers: {
        "content-type": "application/x-protobuf",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: new Uint8Array(0),
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MILLIS),
    });
    await response.body?.cancel();
    if (response.ok) return ok(subject, `${address.href} takes metrics`);
    const isToken = response.status === 401 || response.status === 403;
    const mend = isToken ? "correct BRIDGE_FORWARD_TOKEN" : "correct it: it must be the address of OTLP/HTTP";
    return fail(subject, `${address.href} answers ${response.status} to metrics; ${mend}`);
  } catch (error) {
    return fail(subject, `${address.href}: ${causeOf(error)}: start the Collector, or correct it`);
  }
}

/** What fetch wraps into "fetch failed". */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
