/**
 * Shared by the servers: how many connections they hold.
 */

/** A server of Node's. */
interface CountingServer {
  getConnections(counted: (error: Error | null, connections: number) => void): unknown;
}

/** Connections that are open now; 0 where the server cannot tell, as when it is closed. */
export function openConnections(server: CountingServer): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, connections) => resolve(error === null ? connections : 0));
  });
}
