/** Tells who sends by the bearer token: anyone who has ours, or the one tenant whose token it is. */
import { createHash } from "node:crypto";
import { BearerToken, tokenIn } from "./bearer-token.ts";

/** SHA-256 of tenants' tokens, hexadecimal, and whose they are. */
export type TenantTokens = ReadonlyMap<string, string>;

/** Who sends; `tenant` is undefined for whoever may send of any. */
export interface Sender {
  readonly tenant: string | undefined;
}

/** Whoever may send of any tenant. */
export const ANYONE: Sender = { tenant: undefined };
const NO_TOKENS: TenantTokens = new Map();

/** The tokens of senders. */
export class SenderTokens {
  readonly #token: BearerToken | undefined;
  readonly #ofTenants: () => TenantTokens;

  /** Without a token of any kind, anyone may send. Throws on an empty token. `ofTenants` is asked anew for each request. */
  constructor(token: string | undefined, ofTenants: () => TenantTokens = () => NO_TOKENS) {
    this.#token = token === undefined ? undefined : new BearerToken(token);
    this.#ofTenants = ofTenants;
  }

  /** Whether any token is a tenant's. */
  get tellTenants(): boolean {
    return this.#ofTenants().size > 0;
  }

  /** Who sends with this `Authorization` header; `undefined` when nobody may. */
  senderOf(authorization: string | undefined): Sender | undefined {
    const ofTenants = this.#ofTenants();
    if (ofTenants.size > 0) {
      // Found by its digest: how long that takes tells nothing of the tokens that there are.
      const tenant = ofTenants.get(createHash("sha256").update(tokenIn(authorization)).digest("hex"));
      if (tenant !== undefined) return { tenant };
      if (this.#token === undefined) return undefined;
    }
    return this.#token === undefined || this.#token.isIn(authorization) ? ANYONE : undefined;
  }
}
