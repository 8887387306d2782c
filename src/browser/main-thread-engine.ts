/** The engine on the page's main thread, for pages without a worker. A chunk of its own: loaded only where it is needed. */
import { MonitorEngine } from "./monitor-engine.ts";
import type { FromEngine, ToEngine } from "./monitor-messages.ts";
import { connectSocketBridge } from "./socket-bridge.ts";
import { browserClock, browserRandom, randomInstanceId } from "./surroundings.ts";

/** Starts an engine that answers by `post`. */
export function startMainThreadEngine(post: (message: FromEngine) => void): (message: ToEngine) => void {
  const engine = new MonitorEngine({
    clock: browserClock,
    random: browserRandom,
    newInstanceId: randomInstanceId,
    post,
    connect: connectSocketBridge,
  });
  return (message) => engine.handle(message);
}
