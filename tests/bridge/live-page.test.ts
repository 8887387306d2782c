/** The live page as it is served: types, caching, compression, security headers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LivePage } from "../../src/bridge/live-page.ts";
import { LiveServer } from "../../src/bridge/live-server.ts";
import { success } from "../../src/model/result.ts";
import { liveServerOptions } from "../live/live-site.ts";

const SCRIPT = "console.log('größer');".repeat(50);

let folder: string;
let server: LiveServer;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-live-page-"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), `<meta name="otlp-port" content="%OTLP_PORT%">`);
  writeFileSync(join(folder, "assets/live-page.0123.js"), SCRIPT);
  writeFileSync(join(folder, "assets/live-page.4567.css"), "body{}");
  writeFileSync(join(folder, "assets/icon.89ab.svg"), "<svg/>");
  const answer = async () => success({ figures: true });
  server = new LiveServer(liveServerOptions({ live: answer, history: answer }, { token: "secret-token" }));
  server.setPage(LivePage.read(folder, 14318));
  // What is served was read before.
  rmSync(folder, { recursive: true });
  const listening = await server.listen();
  if (listening.kind !== "success") throw new Error(listening.reason);
  port = listening.value;
});
afterAll(() => server.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Unlike `fetch`, sends the path as it is and leaves the body as it came. */
function ask(path: string, method = "GET", headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("the server of the live page", () => {
  it.each([
    ["/", "text/html; charset=utf-8", "no-cache"],
    ["/?from=mail", "text/html; charset=utf-8", "no-cache"],
    ["/assets/live-page.0123.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/assets/live-page.4567.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/assets/icon.89ab.svg", "image/svg+xml", "public, max-age=31536000, immutable"],
  ])("serves %s without a token, with its type and how long it may be kept", async (path, type, caching) => {
    const { status, headers } = await ask(path);
    expect([status, headers["content-type"], headers["cache-control"]]).toEqual([200, type, caching]);
  });

  it("tells the page where metrics are taken in", async () => {
    expect((await ask("/")).body.toString()).toBe(`<meta name="otlp-port" content="14318">`);
  });

  it("allows no script or style that is not a file of its own, no frame around it and no guess of a type", async () => {
    const { headers } = await ask("/");
    const policy = String(headers["content-security-policy"]).split("; ");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy.join()).not.toMatch(/unsafe|data:|https?:|\*/);
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
    });
  });

  it.each([
    ["gzip, deflate, br", true],
    ["GZIP", true],
    ["br;q=1.0, gzip;q=0.5", true],
    ["gzip;q=0.01", true],
    ["", false],
    ["identity", false],
    ["gzip;q=0", false],
    ["br, gzip; q=0.0, identity", false],
    ["x-gzip", false],
  ])("with Accept-Encoding %j compresses: %s", async (accepted, isGzipped) => {
    const { headers, body } = await ask("/assets/live-page.0123.js", "GET", { "accept-encoding": accepted });
    expect([headers["content-encoding"], headers.vary]).toEqual([isGzipped ? "gzip" : undefined, "accept-encoding"]);
    expect(headers["content-length"]).toBe(String(body.length));
    expect((isGzipped ? gunzipSync(body) : body).toString()).toBe(SCRIPT);
  });

  it("answers HEAD with the headers alone", async () => {
    const { status, headers, body } = await ask("/", "HEAD");
    expect([status, body.length]).toEqual([200, 0]);
    expect(headers["content-length"]).toBe(String((await ask("/")).body.length));
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("answers %s with 405", async (method) => {
    const { status, headers } = await ask("/", method);
    expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
  });

  it.each([
    "/assets/",
    "/assets/live-page.js",
    "/index.html",
    "/assets/../index.html",
    "/assets/..%2fpackage.json",
    "//",
  ])("has nothing at %s", async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it("still asks for the token where the figures are", async () => {
    expect((await ask("/api/live")).status).toBe(401);
    expect((await ask("/api/live", "GET", { authorization: "Bearer secret-token" })).status).toBe(200);
  });
});
