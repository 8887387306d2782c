/** Asks a Redis one thing on a connection of its own: what tests need to know of a server, whatever state it is in. */
import { createConnection } from "node:net";

/** A server that says nothing for this long is not waited for, milliseconds. */
const TIMEOUT_MILLIS = 1000;

/**
 * The whole of a server's answer: a line as it comes (`+OK`, `:1`, `-ERR …`, of a list `*2`), a text without the length before it.
 * Undefined when there is none: the server is down or frozen.
 */
export async function askRedis(port: number, command: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    let received = Buffer.alloc(0);
    const finish = (answer: string | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(TIMEOUT_MILLIS, () => finish(undefined));
    socket.once("error", () => finish(undefined));
    socket.once("close", () => finish(undefined));
    socket.once("connect", () => socket.write(`${command}\r\n`));
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const answer = wholeAnswer(received);
      if (answer !== undefined) finish(answer);
    });
  });
}

/** A simple string, a number, an error or a text once all of it is there. */
function wholeAnswer(received: Buffer): string | undefined {
  const lineEnd = received.indexOf("\r\n");
  if (lineEnd < 0) return undefined;
  const line = received.toString("utf8", 0, lineEnd);
  if (!line.startsWith("$")) return line;
  const start = lineEnd + 2;
  const end = start + Number(line.slice(1));
  return received.length < end + 2 ? undefined : received.toString("utf8", start, end);
}
