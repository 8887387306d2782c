/** For simulations: compression that is done at once. That of Node works on other threads, in an order that no seed decides. */
import type * as zlib from "node:zlib";

/** The module with a `gzip` that answers before it returns. */
export function synchronousGzip(original: typeof zlib): object {
  const gzip = (body: Uint8Array, options: zlib.ZlibOptions, answered: (error: null, result: Buffer) => void): void =>
    answered(null, original.gzipSync(body, options));
  return { ...original, gzip };
}
