/**
 * Bridge: whether a request was meant for this machine. A page of any site can have its own name resolve to 127.0.0.1 and read
 * what answers there (DNS rebinding); the `Host` header then has the site's name.
 */

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** Whether a `Host` header names loopback, with any port. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK_HOST.test(host);
}
