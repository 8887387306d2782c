/** Main thread: finds every connection that a page makes, for pages that never see them (SDKs of meeting services). */
import type { PeerConnection } from "./stats-poller.ts";

type ConnectionConstructor = new (...constructorArguments: unknown[]) => PeerConnection;

interface ConnectionGlobals {
  RTCPeerConnection?: ConnectionConstructor;
}

/**
 * Calls `found` with each `RTCPeerConnection` made from now on. Classes that extend it, `instanceof` and static members work
 * as before.
 * @returns puts things back, unless somebody else has replaced them since
 */
export function observeConnections(found: (connection: PeerConnection) => void): () => void {
  const globals = globalThis as unknown as ConnectionGlobals;
  const original = globals.RTCPeerConnection;
  if (original === undefined) return () => undefined;
  let observing = true;
  const observed = new Proxy(original, {
    construct(target, constructorArguments: unknown[], newTarget: ConnectionConstructor) {
      const made = Reflect.construct(target, constructorArguments, newTarget);
      try {
        if (observing) found(made);
      } catch {
        // The page gets its connection whatever happens here.
      }
      return made;
    },
  });
  globals.RTCPeerConnection = observed;
  return () => {
    observing = false;
    if (globals.RTCPeerConnection === observed) globals.RTCPeerConnection = original;
  };
}
