/**
 * `http.request.method`: what servers and clients call a method.
 */

/** Methods of the semantic conventions and RFC 10008 (QUERY), as the instrumentations of OpenTelemetry know them. */
export const KNOWN_METHODS: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "QUERY",
];

/** What every other method is called. */
export const OTHER_METHOD = "_OTHER";

const KNOWN: ReadonlySet<string> = new Set(KNOWN_METHODS);

/** A known method in upper case, or {@link OTHER_METHOD}. */
export function normalizedMethod(method: string): string {
  if (KNOWN.has(method)) return method;
  const upper = method.toUpperCase();
  return KNOWN.has(upper) ? upper : OTHER_METHOD;
}
