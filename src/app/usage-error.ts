/**
 * What a command throws when its arguments or settings are wrong; `main` ends with 2.
 */

/** Wrong arguments or settings; the message has one line for each fault. */
export class UsageError extends Error {}
