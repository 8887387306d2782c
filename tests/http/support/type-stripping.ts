/**
 * What a child process needs to run TypeScript: Node 22 strips types only when told to, or warns of it.
 */

/** Flags for `execArgv`. */
export const TYPE_STRIPPING: readonly string[] = process.versions.node.startsWith("22.")
  ? ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
  : [];
