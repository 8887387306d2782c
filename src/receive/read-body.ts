/** Reads a request's body whole, within a limit of its own and the budget of all. */
import type { IncomingMessage } from "node:http";

import type { BodyBudget } from "./body-budget.ts";

/**
 * How reading ended. `whole`: the caller gives `bytes` back to the budget when it is done with the body. In all other
 * cases nothing is held. `gone`: the sender went away and cannot be answered.
 */
export type ReadBody =
  | { readonly kind: "whole"; readonly body: Buffer }
  | { readonly kind: "too_large" }
  | { readonly kind: "no_room" }
  | { readonly kind: "gone" };

/** Reads until the end, `maxBytes` or the budget's limit. Never rejects. */
export function readBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (result: ReadBody): void => {
      request.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      if (result.kind !== "whole") budget.give(length);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      if (length + chunk.length > maxBytes) return finish({ kind: "too_large" });
      if (!budget.take(chunk.length)) return finish({ kind: "no_room" });
      length += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      finish({ kind: "whole", body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length) });
    };
    const onGone = (): void => finish({ kind: "gone" });
    request.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}
