/** Bridge: how many messages a connection sends, in whatever namespace. */
import type { Clock } from "../model/clock.ts";
import { type EngineSocket, terminate } from "./socket-engine.ts";

const MINUTE_MILLIS = 60_000;

/**
 * Ends a connection that sends more messages in a minute than this: whatever it sends costs time to read, also what is no event
 * of ours. Call it once a connection.
 */
export function limitMessages(connection: EngineSocket, clock: Clock, maxMessagesPerMinute: number): void {
  let [sinceMillis, messages] = [clock.monotonicMillis(), 0];
  connection.on("data", () => {
    const now = clock.monotonicMillis();
    if (now - sinceMillis >= MINUTE_MILLIS) [sinceMillis, messages] = [now, 0];
    messages += 1;
    if (messages > maxMessagesPerMinute) terminate(connection);
  });
}
