/**
 * Checks what others on the network could do: a token that can be guessed, or that travels readable.
 */
import { isLoopback } from "../loopback.ts";
import type { ReceiverSettings } from "../settings.ts";
import { ok, warn, type Check } from "./check.ts";

const MIN_TOKEN_LENGTH = 24;
const MIN_DIFFERENT_CHARACTERS = 10;

/** The token's strength, and TLS, off loopback. That there is a token at all is a matter of the settings. */
export function exposureChecks(settings: ReceiverSettings): readonly Check[] {
  const { otlpHost, bridgeHost, otlpToken } = settings;
  if (isLoopback(otlpHost) && isLoopback(bridgeHost))
    return [ok("network", "only this machine can reach the receiver")];
  const checks = isLoopback(otlpHost) ? [] : [tokenCheck(otlpToken ?? "")];
  if (settings.tlsCertFile === undefined) {
    const mend = "set TLS_CERT_FILE and TLS_KEY_FILE, or put a proxy with TLS in front";
    checks.push(warn("network", `others can reach the receiver without TLS, and tokens travel readable: ${mend}`));
  }
  return checks;
}

function tokenCheck(token: string): Check {
  const isWeak = token.length < MIN_TOKEN_LENGTH || new Set(token).size < MIN_DIFFERENT_CHARACTERS;
  if (!isWeak) return ok("OTLP_TOKEN", "hard to guess");
  return warn("OTLP_TOKEN", "can be guessed: set one made by openssl rand -base64 32");
}
