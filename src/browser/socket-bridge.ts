/** Worker: the connection to the bridge, over Socket.IO: `metrics` with an acknowledgement there, `config` here. */
import { io, type Socket } from "socket.io-client";
import type { Timer } from "../model/clock.ts";
import { failure, messageOf, type Result, retryable, success } from "../model/result.ts";
import type { BridgeConnection, BridgeHooks } from "./bridge-connection.ts";
import { LONGEST_DELAY_MILLIS, FIRST_DELAY_MILLIS, retryDelayMillis } from "./retry-delay.ts";

/** Bodies up to this are smaller plain than the time to compress them is worth. */
const COMPRESS_ABOVE_BYTES = 1_024;
/** How long a page that ends waits for a connection. */
const HURRY_MILLIS = 2_000;
/** A connection that lasted so long was no refusal: until then the next wait goes on growing. */
const LASTING_MILLIS = 30_000;
/** How long an acknowledgement may take. */
const ANSWER_MILLIS = 10_000;

/** What the bridge answers to `metrics`. */
interface BridgeAnswer {
  readonly ok?: boolean;
  readonly error?: string;
  readonly retryable?: boolean;
}

/** Connects, and connects again whenever the connection is lost. */
export function connectSocketBridge(url: string, hooks: BridgeHooks): BridgeConnection {
  const socket = io(new URL("/webrtc", url).href, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: FIRST_DELAY_MILLIS,
    reconnectionDelayMax: LONGEST_DELAY_MILLIS,
    randomizationFactor: 0.5,
    auth: (give) => void hooks.token().then((token) => give(token === undefined ? {} : { token })),
  });
  socket.on("config", (config: unknown) => {
    if (typeof config === "object" && config !== null) hooks.onConfig(config);
  });
  const giveUp = tryAgainWhenRefused(socket, hooks);
  return {
    isConnected: () => socket.connected,
    hurry: () => hurry(socket, hooks),
    send: (body, compressed) => send(socket, body, compressed),
    close: () => {
      giveUp();
      socket.disconnect();
    },
  };
}

/**
 * The library reconnects by itself, but not to a bridge that refused: a token may have expired, the next one may do.
 * @returns ends it
 */
function tryAgainWhenRefused(socket: Socket, { clock, random }: BridgeHooks): () => void {
  let refusals = 0;
  let timer: Timer | undefined;
  let lasting: Timer | undefined;
  const tryAgain = (): void => {
    if (socket.active) return;
    refusals += 1;
    timer?.clear();
    timer = clock.after(retryDelayMillis(refusals, random()), () => void socket.connect());
  };
  socket.on("connect", () => {
    lasting?.clear();
    lasting = clock.after(LASTING_MILLIS, () => {
      refusals = 0;
    });
  });
  socket.on("connect_error", tryAgain);
  socket.on("disconnect", (reason) => {
    lasting?.clear();
    if (reason === "io server disconnect") tryAgain();
  });
  return () => {
    timer?.clear();
    lasting?.clear();
  };
}

/** Opens what waits between two tries; whatever comes of it, nobody waits long. */
async function hurry(socket: Socket, { clock }: BridgeHooks): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.after(HURRY_MILLIS, resolve);
    socket.once("connect", () => {
      timer.clear();
      resolve();
    });
    // One that waits for its token is connecting: asked again, it would connect twice.
    if (!socket.active) socket.connect();
    socket.io.open();
  });
}

async function send(socket: Socket, body: Uint8Array, compressed: boolean): Promise<Result<void>> {
  try {
    const payload = compressed && body.length > COMPRESS_ABOVE_BYTES ? await gzipped(body) : body;
    const answer = (await socket.timeout(ANSWER_MILLIS).emitWithAck("metrics", payload)) as BridgeAnswer | undefined;
    if (answer?.ok === true) return success(undefined);
    const reason = answer?.error ?? "the bridge did not say why";
    return answer?.retryable === false ? failure("invalid", reason) : retryable("unavailable", reason);
  } catch (error) {
    return retryable("unavailable", messageOf(error));
  }
}

async function gzipped(body: Uint8Array): Promise<Uint8Array> {
  if (typeof CompressionStream === "undefined") return body;
  const stream = new Blob([new Uint8Array(body)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
