/**
 * Checks the certificate and key of both servers: readable, belonging together, valid for a while yet.
 */
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Clock } from "../../model/clock.ts";
import { messageOf } from "../../model/result.ts";
import type { ReceiverSettings } from "../settings.ts";
import { readTlsFiles } from "../tls-files.ts";
import { fail, ok, warn, type Check } from "./check.ts";

const SUBJECT = "TLS certificate";
const DAY_MILLIS = 86_400_000;
const WARNING_DAYS = 14;

/** Nothing when TLS is not asked for. */
export function certificateChecks(settings: ReceiverSettings, clock: Clock): readonly Check[] {
  try {
    const files = readTlsFiles(settings);
    if (files === undefined) return [];
    createSecureContext(files);
    return [validityCheck(new X509Certificate(files.cert), clock.nowMillis())];
  } catch (error) {
    const mend = "TLS_CERT_FILE and TLS_KEY_FILE must be PEM files that this user can read and that belong together";
    return [fail(SUBJECT, `${messageOf(error)}; ${mend}`)];
  }
}

function validityCheck(certificate: X509Certificate, nowMillis: number): Check {
  const { validFrom, validTo } = certificate;
  if (nowMillis < Date.parse(validFrom))
    return fail(SUBJECT, `not valid before ${validFrom}: look at this machine's clock`);
  const days = Math.floor((Date.parse(validTo) - nowMillis) / DAY_MILLIS);
  const mend = "renew it, then send the receiver SIGHUP";
  if (days < 0) return fail(SUBJECT, `expired on ${validTo}: ${mend}`);
  if (days < WARNING_DAYS) return warn(SUBJECT, `expires on ${validTo}, in ${days} days: ${mend}`);
  return ok(SUBJECT, `valid until ${validTo}`);
}
