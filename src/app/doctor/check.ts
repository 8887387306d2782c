/**
 * What a check of `doctor` finds, and how it is printed.
 */

/** `warn`: it works, but should be known. `FAIL`: it does not work, or breaks a promise. */
export type CheckLevel = "ok" | "warn" | "FAIL";

/** One line of the report. */
export interface Check {
  readonly level: CheckLevel;
  /** What was checked, a word or two. */
  readonly subject: string;
  /** What is so and, unless it is well, how to mend it. */
  readonly message: string;
}

/** Builds a check that found nothing wrong. */
export function ok(subject: string, message: string): Check {
  return { level: "ok", subject, message };
}

/** Builds a check that found what should be known. */
export function warn(subject: string, message: string): Check {
  return { level: "warn", subject, message };
}

/** Builds a check that failed. */
export function fail(subject: string, message: string): Check {
  return { level: "FAIL", subject, message };
}

/** The check as one line. */
export function checkLine({ level, subject, message }: Check): string {
  return `${level.padEnd(4)} ${subject}: ${message.replaceAll(/\s+/g, " ")}`;
}
