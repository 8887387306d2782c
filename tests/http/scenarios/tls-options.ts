/**
 * TLS for scenarios: a certificate made once a process, in a temporary folder.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { makeCertificate } from "../../support/certificate.ts";

let made: { readonly cert: Buffer; readonly key: Buffer } | undefined;

/** Certificate and key of a server on 127.0.0.1. */
export function serverTls(): ServerOptions {
  if (made === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "http-scenarios-"));
    const { certFile, keyFile } = makeCertificate(folder, "server", "127.0.0.1");
    made = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    rmSync(folder, { recursive: true });
  }
  return made;
}

/** A client that trusts that server, and only it. */
export function clientTls(): ConnectionOptions {
  return { ca: (serverTls() as { cert: Buffer }).cert, host: "127.0.0.1" };
}
