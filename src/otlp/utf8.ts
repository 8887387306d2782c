/** Names in a request must be UTF-8, as protobuf demands of strings; checked here without allocating for ASCII. */
import { isUtf8 } from "node:buffer";

import { malformed } from "../model/protobuf-wire.ts";

/** Throws `MalformedMessage` unless the bytes from `start` to `end` are valid UTF-8. */
export function checkUtf8(body: Uint8Array, start: number, end: number): void {
  for (let position = start; position < end; position += 1) {
    if (body[position]! >= 0x80) {
      if (!isUtf8(body.subarray(position, end))) malformed("a name is not valid UTF-8", start);
      return;
    }
  }
}
