/** The worker of a page: the engine behind messages. Bundled by itself and put into the page's bundle as text. */
import { MonitorEngine } from "./monitor-engine.ts";
import type { FromEngine, ToEngine } from "./monitor-messages.ts";
import { connectSocketBridge } from "./socket-bridge.ts";
import { browserClock, browserRandom, randomInstanceId } from "./surroundings.ts";

/** The part of a worker's global scope that is used. */
interface WorkerScope {
  postMessage(message: FromEngine): void;
  addEventListener(type: "message", listener: (event: { readonly data: ToEngine }) => void): void;
}

const scope = globalThis as unknown as WorkerScope;
const engine = new MonitorEngine({
  clock: browserClock,
  random: browserRandom,
  newInstanceId: randomInstanceId,
  // A worker's own page is the only one it can post to.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  post: (message) => scope.postMessage(message),
  connect: connectSocketBridge,
});
scope.addEventListener("message", ({ data }) => engine.handle(data));
