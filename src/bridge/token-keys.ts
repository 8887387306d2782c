/**
 * Bridge: checks tokens, by a secret (HS256) or by the public keys of whoever issues them (a JSON Web Key Set), and makes
 * tokens where there is a secret.
 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type JWTVerifyOptions, SignJWT } from "jose";
import type { Clock } from "../model/clock.ts";
import { failure, messageOf, type Result, retryable } from "../model/result.ts";
import { readClaims, type TokenClaims, type TokenRole } from "./token-claims.ts";

/** What tokens are checked against. With both, a token's algorithm decides; with neither, none is valid. */
export interface TokenKeysOptions {
  readonly secret?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly clock: Clock;
}

/** What a token is to say. */
export interface TokenRequest {
  readonly meeting?: string | undefined;
  readonly participant?: string | undefined;
  readonly tenant?: string | undefined;
  readonly role: TokenRole;
  readonly expiresInSeconds: number;
}

/** Longer tokens are not looked at. */
const MAX_TOKEN_LENGTH = 8192;
const JWKS_TIMEOUT_MILLIS = 3000;
/** What a key set's keys may sign with. Never `none`, and never a secret: its public key would be one. */
const PUBLIC_KEY_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** The keys. */
export class TokenKeys {
  readonly #clock: Clock;
  readonly #secret: Uint8Array | undefined;
  readonly #keySet: ReturnType<typeof createRemoteJWKSet> | undefined;

  constructor({ secret, jwksUrl, clock }: TokenKeysOptions) {
    this.#clock = clock;
    this.#secret = secret === undefined ? undefined : new TextEncoder().encode(secret);
    this.#keySet =
      jwksUrl === undefined
        ? undefined
        : createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MILLIS });
  }

  /**
   * The claims of a token. Failure `unauthenticated` when it is none of ours, has expired or lacks a claim; retryable
   * `unavailable` when the key set cannot be had.
   */
  async verify(token: unknown): Promise<Result<TokenClaims>> {
    if (typeof token !== "string" || token === "") return failure("unauthenticated", "there is no token");
    if (token.length > MAX_TOKEN_LENGTH) return failure("unauthenticated", "the token is too long");
    try {
      return readClaims(await this.#payloadOf(token));
    } catch (error) {
      return refusalOf(error);
    }
  }

  async #payloadOf(token: string): Promise<JWTPayload> {
    const options: JWTVerifyOptions = {
      currentDate: new Date(this.#clock.nowMillis()),
      requiredClaims: ["exp"],
    };
    const isOurs = this.#keySet === undefined || algorithmOf(token) === "HS256";
    if (isOurs && this.#secret !== undefined) {
      return (await jwtVerify(token, this.#secret, { ...options, algorithms: ["HS256"] })).payload;
    }
    if (this.#keySet === undefined) throw new errors.JWTInvalid("there is no key for it");
    return (await jwtVerify(token, this.#keySet, { ...options, algorithms: PUBLIC_KEY_ALGORITHMS })).payload;
  }

  /** Makes a token. Throws without a secret: whoever has the private keys issues tokens then. */
  async issue({ meeting, participant, tenant, role, expiresInSeconds }: TokenRequest): Promise<string> {
    if (this.#secret === undefined) throw new Error("there is no secret to sign a token with");
    const now = Math.floor(this.#clock.nowMillis() / 1000);
    return new SignJWT({ meeting, participant, tenant, role })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuedAt(now)
      .setExpirationTime(now + expiresInSeconds)
      .sign(this.#secret);
  }
}

function algorithmOf(token: string): unknown {
  try {
    const header = Buffer.from(token.split(".", 1)[0]!, "base64url").toString();
    return (JSON.parse(header) as { alg?: unknown } | null)?.alg;
  } catch {
    return undefined;
  }
}

function refusalOf(error: unknown): Result<never> {
  if (error instanceof errors.JWTExpired) return failure("unauthenticated", "the token has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return failure("unauthenticated", `the token's ${error.claim} is missing or wrong`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) return failure("unauthenticated", "the token's key is not known");
  const isTokens = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && !isKeySetFault(error);
  if (isTokens) return failure("unauthenticated", "the token is not valid");
  return retryable("unavailable", `the keys of tokens cannot be had: ${messageOf(error)}`);
}

/** The library has no class of its own for an answer that is no key set. */
function isKeySetFault(error: InstanceType<typeof errors.JOSEError>): boolean {
  return error instanceof errors.JWKSInvalid || error.code === "ERR_JOSE_GENERIC";
}

/** Whether a token is an admin's. Failure `unauthenticated` when it is not; retryable as {@link TokenKeys.verify}. */
export async function authoriseAdmin(keys: TokenKeys, token: unknown): Promise<Result<TokenClaims>> {
  const claims = await keys.verify(token);
  if (claims.kind !== "success" || claims.value.role === "admin") return claims;
  return failure("unauthenticated", "the token's role is not admin");
}
