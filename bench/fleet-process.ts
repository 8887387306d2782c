/** The load of `bench/scale.ts` in a process of its own, so that making and sending it is not counted. */
import { sendRound, type SendResult } from "./send-round.ts";
import { ServiceFleet } from "./service-fleet.ts";
import type { ServiceTotals } from "./service-metrics.ts";

/** What the bench asks of this process, one at a time. */
export type FleetOrder =
  | { readonly order: "begin"; readonly serviceCount: number; readonly startMillis: number }
  | { readonly order: "make"; readonly passes: number }
  | {
      readonly order: "send";
      /** One a receiver. */
      readonly urls: readonly string[];
      readonly connections: number;
      readonly maxMillis: number;
    };

/** What a `make` made. */
export interface FleetMade {
  readonly requests: number;
  readonly bytesPerRequest: number;
  /** What the run adds up to with them. */
  readonly totals: ServiceTotals;
}

let fleet: ServiceFleet | undefined;
let bodies: readonly Buffer[] = [];
let sends = 0;

process.on("message", (message: FleetOrder) => {
  void answer(message).then((result) => process.send?.(result));
});
// Without this the process would outlive a bench that was ended.
process.on("disconnect", () => process.exit());

async function answer(message: FleetOrder): Promise<FleetMade | SendResult | null> {
  if (message.order === "begin") {
    fleet = new ServiceFleet(message.serviceCount, message.startMillis);
    return null;
  }
  if (message.order === "send") return await sendTo(message.urls, message);
  if (fleet === undefined) throw new Error("make before begin");
  const made: Buffer[] = [];
  bodies = [];
  for (let pass = 0; pass < message.passes; pass += 1) for (const body of await fleet.pass(Date.now())) made.push(body);
  bodies = made;
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  return {
    requests: bodies.length,
    bytesPerRequest: Math.round(bytes / bodies.length),
    totals: fleet.totals(),
  };
}

/** Every receiver gets an equal share; which services are in it changes, as behind a load balancer. */
async function sendTo(
  urls: readonly string[],
  { connections, maxMillis }: { readonly connections: number; readonly maxMillis: number },
): Promise<SendResult> {
  sends += 1;
  const shares = urls.map((_, receiver) =>
    bodies.filter((_body, index) => (index + Math.floor((index + sends) / 7)) % urls.length === receiver),
  );
  const each = Math.max(1, Math.floor(connections / urls.length));
  const results = await Promise.all(
    urls.map((url, receiver) => sendRound(shares[receiver]!, { url, connections: each, maxMillis })),
  );
  const failed: Record<string, number> = {};
  for (const result of results) {
    for (const [status, count] of Object.entries(result.failed)) failed[status] = (failed[status] ?? 0) + count;
  }
  return {
    accepted: results.reduce((sum, result) => sum + result.accepted, 0),
    overloaded: results.reduce((sum, result) => sum + result.overloaded, 0),
    partial: results.reduce((sum, result) => sum + result.partial, 0),
    failed,
    seconds: Math.max(...results.map((result) => result.seconds)),
  };
}
