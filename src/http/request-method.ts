/**
 * `http.request.method` of what a client sends.
 */

/** Methods of the semantic conventions and RFC 10008 (QUERY), as the instrumentations of OpenTelemetry know them. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
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
]);
const OTHER_METHOD = "_OTHER";

/** A known method in upper case, or `_OTHER`. */
export function normalizedMethod(method: string): string {
  if (KNOWN_METHODS.has(method)) return method;
  const upper = method.toUpperCase();
  return KNOWN_METHODS.has(upper) ? upper : OTHER_METHOD;
}
