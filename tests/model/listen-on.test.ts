import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listenOn } from "../../src/model/listen-on.ts";
import { valueOf } from "../support/log-entries.ts";

const servers: Server[] = [];
function made(): Server {
  const server = createServer();
  servers.push(server);
  return server;
}
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe("a server that listens", () => {
  it("has the port that it was given, or any", async () => {
    expect(valueOf(await listenOn(made(), { host: "127.0.0.1", port: 0, faulted: () => undefined }))).toBeGreaterThan(
      0,
    );
  });

  it("is retryable where the port is taken", async () => {
    const port = valueOf(await listenOn(made(), { host: "127.0.0.1", port: 0, faulted: () => undefined }));
    expect(await listenOn(made(), { host: "127.0.0.1", port, faulted: () => undefined })).toMatchObject({
      kind: "retryable",
      code: "unavailable",
      reason: expect.stringContaining("cannot listen: "),
    });
  });

  it("outlives connections that cannot be taken, and says so once", async () => {
    const faults: string[] = [];
    const server = made();
    await listenOn(server, { host: "127.0.0.1", port: 0, faulted: (reason) => void faults.push(reason) });
    // As Node tells of a failed accept.
    for (let times = 0; times < 3; times++) server.emit("error", new Error("accept EMFILE"));
    expect([faults, server.listening]).toEqual([["a connection could not be taken: accept EMFILE"], true]);
  });
});
