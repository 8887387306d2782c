/** Compares a request's bearer token with ours in a time that does not depend on how much of it is right. */
import { createHash, timingSafeEqual } from "node:crypto";

/** One expected token. */
export class BearerToken {
  readonly #digest: Buffer;

  /** Throws on an empty token: it would be a guess away. */
  constructor(token: string) {
    if (token === "") throw new Error("a bearer token must not be empty");
    this.#digest = digestOf(token);
  }

  /** Whether the `Authorization` header carries this token (RFC 6750; the scheme's case does not matter). */
  isIn(authorization: string | undefined): boolean {
    // Digests have one length, whatever was sent; a request without a token is compared like any other.
    return timingSafeEqual(digestOf(tokenIn(authorization)), this.#digest);
  }
}

/** The bearer token of an `Authorization` header; "" when there is none. */
export function tokenIn(authorization: string | undefined): string {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? "";
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
