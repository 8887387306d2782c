/** Waits for a server of a test to listen. */
import { createConnection } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MILLIS = 20;

/** Resolves when something accepts connections on a port of loopback; rejects when nothing has within `timeoutMillis`. */
export async function acceptsConnections(port: number, timeoutMillis: number): Promise<void> {
  const deadline = Date.now() + timeoutMillis;
  while (Date.now() < deadline) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: "127.0.0.1", port });
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (connected) return;
    await pause(PAUSE_MILLIS);
  }
  throw new Error(`nothing listens on port ${port}`);
}
