import { get } from "node:http";
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
    faulted: () => undefined,
    live: async () => success({ at: 1 }),
    history: async () => success([]),
    metrics: async () => success(new PlainText("text/plain; version=0.0.4", "one 1\n")),
    ready: async () => success({ status: "ready" }),
    ...changes,
  });
  origin = `http://127.0.0.1:${valueOf(await server.listen())}`;
}
afterEach(() => server.close());

/** The answer under a host of that name, which `fetch` would not send. */
function answerUnder(host: string, path: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(origin + path, { headers: { host } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    request.on("error", reject);
  });
}

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

  it.each(["localhost", "LOCALHOST:4320", "127.0.0.1", "127.1.2.3:4320", "[::1]", "[::1]:4320"])(
    "shows the figures under %s",
    async (host) => {
      await start();
      expect((await answerUnder(host, "/api/live")).status).toBe(200);
    },
  );

  it.each([
    "evil.example.com",
    "evil.example.com:4320",
    "127.0.0.1.evil.example.com",
    "localhost.evil.example.com:80",
    "notlocalhost",
    "evil@localhost",
  ])("shows nothing under %s, which may be any site's name for this machine", async (host) => {
    await start();
    for (const path of ["/api/live", "/api/live/history"]) {
      const { status, body } = await answerUnder(host, path);
      expect([status, (JSON.parse(body) as { error: string }).error]).toEqual([
        421,
        expect.stringContaining("BRIDGE_HOST"),
      ]);
    }
    expect((await answerUnder(host, "/readyz")).status).toBe(200);
    expect((await answerUnder(host, "/healthz")).status).toBe(200);
  });

  it("has any name where it asks for a token", async () => {
    await start(AUTHORISED);
    expect((await answerUnder("bandwidth.example.com", "/api/live")).status).toBe(401);
  });

  it("answers 503 while tokens cannot be checked", async () => {
    await start({ authorise: async () => retryable("unavailable", "no keys") });
    const answer = await fetch(`${origin}/api/live`);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});
