/** The load's own process, so that making and sending it is not counted: makes a round, then sends it where it is told. */
import { LoadGenerator, type PayloadName, PAYLOADS } from "./payloads.ts";
import { sendRound, type SendOptions } from "./send-round.ts";

/** What the bench asks of this process, one at a time. */
export type SenderOrder =
  | {
      readonly order: "begin";
      readonly payload: PayloadName;
      readonly requestCount: number;
      readonly startMillis: number;
    }
  | { readonly order: "make"; readonly requestCount: number }
  | { readonly order: "send"; readonly options: SendOptions };

let generator: LoadGenerator | undefined;
let bodies: readonly Buffer[] = [];

process.on("message", (message: SenderOrder) => {
  void answer(message).then((result) => process.send?.(result));
});
// Without this the process would outlive a bench that was ended.
process.on("disconnect", () => process.exit());

async function answer(message: SenderOrder): Promise<unknown> {
  if (message.order === "begin") {
    generator = new LoadGenerator(PAYLOADS[message.payload], message.requestCount, message.startMillis);
    return { pointsPerRequest: generator.pointsPerRequest };
  }
  if (message.order === "make") {
    if (generator === undefined) throw new Error("make before begin");
    bodies = await generator.round(message.requestCount);
    const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
    return { bytesPerRequest: Math.round(bytes / bodies.length), totals: generator.totals() };
  }
  return await sendRound(bodies, message.options);
}
