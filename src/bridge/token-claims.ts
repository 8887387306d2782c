/** Bridge: what a token says of who connects. Tokens are JSON Web Tokens (RFC 7519) with these claims and `exp`. */
import { DIMENSION_LENGTHS } from "../model/dimensions.ts";
import { failure, type Result, success } from "../model/result.ts";

/** `participant` sends the metrics of its calls; `admin` may also see the live figures. */
export type TokenRole = "participant" | "admin";

/** The claims of a valid token. */
export interface TokenClaims {
  readonly role: TokenRole;
  /** Who sends; absent in a token that is only for looking. */
  readonly identity: { readonly meeting: string; readonly participant: string } | undefined;
  /** The tenant (`service.namespace`) that its metrics belong to; absent: the token names none. */
  readonly tenant: string | undefined;
  /** `exp`, milliseconds since the Unix epoch. */
  readonly expiresAtMillis: number;
}

/** The claims of a payload whose signature and expiry were checked. Failure `unauthenticated` says which claim is wrong. */
export function readClaims(payload: Readonly<Record<string, unknown>>): Result<TokenClaims> {
  const { meeting, participant, role = "participant", exp, tenant } = payload;
  if (role !== "participant" && role !== "admin") {
    return failure("unauthenticated", "the token's role is neither participant nor admin");
  }
  if (typeof exp !== "number") return failure("unauthenticated", "the token has no exp");
  const expiresAtMillis = exp * 1000;
  if (tenant !== undefined && !isId(tenant, DIMENSION_LENGTHS.namespace)) {
    return wrongId("tenant", DIMENSION_LENGTHS.namespace);
  }
  if (role === "admin" && tenant !== undefined) {
    // Whoever wrote it meant a tenant's admin, and would have given them the figures of all.
    return failure("unauthenticated", "the token names a tenant and has the role admin, which sees all tenants");
  }
  if (role === "admin" && meeting === undefined && participant === undefined) {
    return success({ role, identity: undefined, tenant, expiresAtMillis });
  }
  if (!isId(meeting, DIMENSION_LENGTHS.meetingId)) return wrongId("meeting", DIMENSION_LENGTHS.meetingId);
  if (!isId(participant, DIMENSION_LENGTHS.participantId)) {
    return wrongId("participant", DIMENSION_LENGTHS.participantId);
  }
  return success({ role, identity: { meeting, participant }, tenant, expiresAtMillis });
}

/** Longer ones would be cut where they are stored, and two could become one. */
function isId(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxLength && value.isWellFormed();
}

function wrongId(claim: string, maxLength: number): Result<never> {
  return failure("unauthenticated", `the token's ${claim} is not a text of 1 to ${maxLength} characters`);
}
