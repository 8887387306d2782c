/** Settings, inside: which addresses nobody outside of this machine can reach. */
import { isIP } from "node:net";

/** Whether nobody outside of this machine can reach a host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
