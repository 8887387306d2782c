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
    const match = /^Bearer +(\S+) *$/i.exec(authorization ?? "");
    // Digests have one length, whatever was sent; a request without a token is compared like any other.
    return timingSafeEqual(digestOf(match?.[1] ?? ""), this.#digest);
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
