/** A free port on the loopback interface, for servers that tests start. */
import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 and up elsewhere): a server that is
 * down for a moment does not find its port taken by somebody's connection.
 */
const LOWEST = 15_000;
const HIGHEST = 32_700;

/**
 * Where a number is taken for this process, by a UDP socket that nobody sends to: whoever is given a port listens on it later, or not for
 * a while, and other tests run beside this one.
 */
const RESERVATIONS = "127.0.0.7";

/** Numbers that a process keeps: those that it was given last. It may run for hours and be given thousands. */
const MOST_RESERVED = 200;
const reserved: Socket[] = [];

/** A port that nobody listens on, and that calls in other processes do not return either as long as this process runs. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if ((await isFree(port)) && (await reserve(port))) return port;
  }
}

/** Whether nobody else has the number. Where there is no such address nobody can have it. */
async function reserve(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  return await new Promise((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code !== "EADDRINUSE");
    });
    socket.bind({ port, address: RESERVATIONS, exclusive: true }, () => {
      socket.unref();
      if (reserved.push(socket) > MOST_RESERVED) reserved.shift()!.close();
      resolve(true);
    });
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
