/**
 * Shared by the servers: begins to listen, and outlives connections that cannot be taken.
 */
import { messageOf, retryable, success, type Result } from "./result.ts";

/** A server of Node's. */
interface ListeningServer {
  readonly listening: boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  listen(port: number, host: string, listening: () => void): unknown;
  address(): string | { readonly port: number } | null;
}

/** Where a server listens, and who is told of its faults. */
export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Told once why a connection could not be taken, as when the machine has no descriptors left. The server goes on. */
  readonly faulted: (reason: string) => void;
}

/** Listens; the port. Retryable `unavailable` when the address cannot be had. */
export function listenOn(server: ListeningServer, { host, port, faulted }: ListenOptions): Promise<Result<number>> {
  let isTold = false;
  return new Promise((resolve) => {
    // It stays: an `error` that nobody listens for would end the process.
    server.on("error", (error) => {
      if (!server.listening) {
        resolve(retryable("unavailable", `cannot listen: ${messageOf(error)}`));
      } else if (!isTold) {
        isTold = true;
        faulted(`a connection could not be taken: ${messageOf(error)}`);
      }
    });
    server.listen(port, host, () => resolve(success((server.address() as { readonly port: number }).port)));
  });
}
