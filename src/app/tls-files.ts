/**
 * Reads the certificate and key that both servers use.
 */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { messageOf } from "../model/result.ts";
import type { ReceiverSettings } from "./settings.ts";

/** A certificate chain and its key, PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** The files' contents, or `undefined` when TLS is not asked for. Throws when a file cannot be read, or they are no certificate and its key. */
export function readTlsFiles({ tlsCertFile, tlsKeyFile }: ReceiverSettings): TlsFiles | undefined {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const files = { cert: readFileSync(tlsCertFile, "utf8"), key: readFileSync(tlsKeyFile, "utf8") };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new Error(`${tlsCertFile} and ${tlsKeyFile} are no certificate and its key: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return files;
}
