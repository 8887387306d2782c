/** Worker: who a token is for. The bridge alone decides whether it is valid: here it only tells one identity from another. */

/**
 * The meeting, participant and tenant of a JSON Web Token (RFC 7519) as one text, the same for every token of the three: the bridge
 * counts under them all. A token may name no tenant. `undefined` for one that cannot be read, or that the bridge would refuse for what it
 * names. Never throws.
 */
export function tokenIdentity(token: string | undefined): string | undefined {
  const payload = token?.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
    const { meeting, participant, tenant } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (typeof meeting !== "string" || typeof participant !== "string") return undefined;
    if (tenant !== undefined && typeof tenant !== "string") return undefined;
    return JSON.stringify([meeting, participant, tenant ?? null]);
  } catch {
    return undefined;
  }
}
