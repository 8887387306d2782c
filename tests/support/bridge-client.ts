/** Connects to a bridge as a page or an admin would. */
import { io, type Socket } from "socket.io-client";

/** What the bridge answers to `metrics`. */
export interface BridgeAnswer {
  readonly ok?: true;
  readonly rejectedPoints?: number;
  readonly message?: string;
  readonly error?: string;
  readonly retryable?: boolean;
}

/** Makes a socket; it connects by itself and does not come back. `options` go to Socket.IO. */
export function bridgeSocket(
  origin: string,
  namespace: "/webrtc" | "/admin",
  token: unknown,
  options: object = {},
): Socket {
  return io(`${origin}${namespace}`, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    auth: token === undefined ? {} : { token },
    ...options,
  });
}

/** The next event of a name: what it carries first. */
export function nextEvent<T>(socket: Socket, name: string): Promise<T> {
  return new Promise((resolve) => void socket.once(name, (value: T) => resolve(value)));
}

/** Resolves when the socket is connected, rejects with why it is not. */
export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("connect_error", reject);
  });
}

/** Sends a body and resolves with the acknowledgement. */
export async function sendMetrics(socket: Socket, body: unknown): Promise<BridgeAnswer> {
  return (await socket.timeout(10_000).emitWithAck("metrics", body)) as BridgeAnswer;
}
