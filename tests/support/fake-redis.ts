/** A server that speaks enough of Redis' protocol to answer as a test wants, in states that a real one passes through too fast. */
import { createServer, type AddressInfo, type Socket } from "node:net";

/** A server that answers what it is told to. */
export interface FakeRedis {
  readonly port: number;
  /** Every command that came, in capitals, its words separated by spaces. */
  readonly commands: readonly string[];
  close(): Promise<void>;
}

/** What a driver asks at first. */
const ANSWERS: Readonly<Record<string, string>> = { "HELLO 3": `%1\r\n${bulk("server")}\r\n${bulk("redis")}` };

/** `answers`: replies as they go over the wire, without the last line end, by command in capitals. Any other command is an error. */
export async function startFakeRedis(answers: (port: number) => Readonly<Record<string, string>>): Promise<FakeRedis> {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  let replies: Readonly<Record<string, string>> = {};
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let received = "";
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
      for (let read = readCommand(received); read !== undefined; read = readCommand(received)) {
        received = received.slice(read.length);
        commands.push(read.command);
        socket.write(`${replies[read.command] ?? ANSWERS[read.command] ?? "-ERR unknown command"}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  replies = answers(port);
  return {
    port,
    commands,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A text as Redis sends it. */
export function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}`;
}

/** The first command of what came, and how long it is; `undefined` while it is not whole. */
function readCommand(received: string): { readonly command: string; readonly length: number } | undefined {
  const count = Number(/^\*(\d+)\r\n/.exec(received)?.[1]);
  if (!Number.isInteger(count)) return undefined;
  const words: string[] = [];
  let at = received.indexOf("\r\n") + 2;
  for (let word = 0; word < count; word += 1) {
    const length = Number(/^\$(\d+)\r\n/.exec(received.slice(at))?.[1]);
    const start = received.indexOf("\r\n", at) + 2;
    if (!Number.isInteger(length) || received.length < start + length + 2) return undefined;
    words.push(received.slice(start, start + length));
    at = start + length + 2;
  }
  return { command: words.join(" ").toUpperCase(), length: at };
}
