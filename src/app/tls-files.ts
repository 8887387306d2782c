/**
 * Reads the certificate and key that both servers use.
 */
import { readFileSync } from "node:fs";
import type { ReceiverSettings } from "./settings.ts";

/** A certificate chain and its key, PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** The files' contents, or `undefined` when TLS is not asked for. Throws when a file cannot be read. */
export function readTlsFiles({ tlsCertFile, tlsKeyFile }: ReceiverSettings): TlsFiles | undefined {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  return { cert: readFileSync(tlsCertFile, "utf8"), key: readFileSync(tlsKeyFile, "utf8") };
}
