/**
 * `otel-bandwidth token`: makes a token that the bridge takes, for development and for small backends. Prints the token
 * alone, so that it can be put into a variable.
 */
import { parseArgs } from "node:util";
import { readClaims, type TokenRole } from "../bridge/token-claims.ts";
import { TokenKeys } from "../bridge/token-keys.ts";
import { systemClock } from "../model/clock.ts";
import { commandSettings } from "./command-settings.ts";
import { UsageError } from "./usage-error.ts";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** Ten years: a token cannot be taken back. */
const MAX_SECONDS = 3650 * 86_400;

/** Prints a token. Throws {@link UsageError} for wrong arguments and where there is no secret to sign it with. */
export async function tokenCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      meeting: { type: "string" },
      participant: { type: "string" },
      tenant: { type: "string" },
      role: { type: "string", default: "participant" },
      "expires-in": { type: "string", default: "1h" },
    },
  });
  const { meeting, participant, tenant } = values;
  const role = roleOf(values.role);
  const expiresInSeconds = secondsOf(values["expires-in"]);
  if (role === "admin" && tenant !== undefined) {
    throw new UsageError("--tenant: an admin sees the figures of all tenants: there is no admin of one");
  }
  const claims = readClaims({ meeting, participant, tenant, role, exp: expiresInSeconds });
  if (claims.kind !== "success") throw new UsageError(`${claims.reason}: give --meeting and --participant`);
  const { bridgeJwtSecret: secret, bridgeJwksUrl } = commandSettings();
  if (secret === undefined) throw new UsageError(noSecret(bridgeJwksUrl));
  const keys = new TokenKeys({ secret, clock: systemClock });
  process.stdout.write(`${await keys.issue({ meeting, participant, tenant, role, expiresInSeconds })}\n`);
  return 0;
}

function roleOf(text: string): TokenRole {
  if (text === "participant" || text === "admin") return text;
  throw new UsageError(`--role: expected participant or admin (got ${JSON.stringify(text)})`);
}

function secondsOf(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * (SECONDS[unit ?? ""] ?? Number.NaN);
  if (seconds >= 1 && seconds <= MAX_SECONDS) return seconds;
  throw new UsageError(
    `--expires-in: expected a time from 1s to 3650d, such as 90s, 30m, 1h or 7d (got ${JSON.stringify(text)})`,
  );
}

function noSecret(jwksUrl: string | undefined): string {
  if (jwksUrl !== undefined) {
    return "BRIDGE_JWT_SECRET is not set: tokens are checked against BRIDGE_JWKS_URL, and only whoever has its private keys makes them";
  }
  return "BRIDGE_JWT_SECRET is not set: set the one that the receiver has, 32 characters or more (openssl rand -base64 32)";
}
