/** Worker: who a token is for. The bridge alone decides whether it is valid: here it only tells one identity from another. */

/**
 * The meeting and participant of a JSON Web Token (RFC 7519) as one text, the same for every token of the two. `undefined` for a
 * token that cannot be read or names none. Never throws.
 */
export function tokenIdentity(token: string | undefined): string | undefined {
  const payload = token?.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
    const { meeting, participant } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (typeof meeting !== "string" || typeof participant !== "string") return undefined;
    return JSON.stringify([meeting, participant]);
  } catch {
    return undefined;
  }
}
