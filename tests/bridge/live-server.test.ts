import { afterEach, describe, expect, it } from "vitest";
import { LiveServer, PlainText, type LiveServerOptions } from "../../src/bridge/live-server.ts";
import { failure, retryable, success } from "../../src/model/result.ts";
import { valueOf } from "../support/log-entries.ts";

let server: LiveServer;
let origin: string;

async function start(changes: Partial<LiveServerOptions> = {}): Promise<void> {
  server = new LiveServer({
    host: "127.0.0.1",
    port: 0,
    maxConnections: 100,
    live: async () => success({ at: 1 }),
    history: async () => success([]),
    metrics: async () => success(new PlainText("text/plain; version=0.0.4", "one 1\n")),
    ready: async () => success({ status: "ready" }),
    ...changes,
  });
  origin = `http://127.0.0.1:${valueOf(await server.listen())}`;
}
afterEach(() => server.close());

const AUTHORISED: Partial<LiveServerOptions> = {
  authorise: async (token) => (token === "right" ? success(undefined) : failure("unauthenticated", `not ${token}`)),
};

describe("the live server", () => {
  it.each(["/api/live", "/api/live/history", "/metrics", "/healthz", "/readyz"])(
    "answers %s to anyone on loopback",
    async (path) => {
      await start();
      expect((await fetch(origin + path)).status).toBe(200);
    },
  );

  it.each(["/api/live", "/api/live/history", "/metrics"])("asks for a token at %s where it has to", async (path) => {
    await start(AUTHORISED);
    const none = await fetch(origin + path);
    expect([none.status, none.headers.get("www-authenticate"), await none.json()]).toEqual([
      401,
      "Bearer",
      { error: "not undefined" },
    ]);
    const wrong = await fetch(origin + path, { headers: { authorization: "Bearer wrong" } });
    expect([wrong.status, await wrong.json()]).toEqual([401, { error: "not wrong" }]);
    expect((await fetch(origin + path, { headers: { authorization: "bearer right" } })).status).toBe(200);
  });

  it.each(["/healthz", "/readyz"])("never asks for one at %s", async (path) => {
    await start(AUTHORISED);
    expect((await fetch(origin + path)).status).toBe(200);
  });

  it("answers 503 while tokens cannot be checked", async () => {
    await start({ authorise: async () => retryable("unavailable", "no keys") });
    const answer = await fetch(`${origin}/api/live`);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});
