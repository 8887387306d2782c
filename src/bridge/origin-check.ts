/**
 * Bridge: which pages may connect. CORS does not apply to websockets, so the `Origin` header is checked at the upgrade.
 * What sends no `Origin` is no browser: its token decides.
 */
import type { IncomingHttpHeaders } from "node:http";

/** Whether a request with these headers may connect. `allowed`: origins, or `*`; empty: only that of the host itself. */
export function isOriginAllowed({ origin, host }: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  if (origin === undefined) return true;
  if (allowed.length > 0) return allowed.includes("*") || allowed.includes(origin);
  return isSameHost(origin, host);
}

/** A proxy may end TLS before us: the scheme tells nothing, but the default port is that of the page's scheme. */
function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const here = `${page.protocol}//${host}`;
  return URL.canParse(here) && page.host !== "" && new URL(here).host === page.host;
}
