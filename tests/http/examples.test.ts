/** Every example of a framework, run as its README says, exports the bytes that its client sent and received, by route. */
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startApp } from "./support/child-app.ts";
import { attributesOf, FakeOtlpServer } from "./support/fake-otlp-server.ts";
import { compile, manifestOf, PackageFolder } from "./support/package-folder.ts";
import { RawClient } from "./support/raw-client.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
/** Not of a framework: tests/flow/meeting-example.test.ts and tests/compose run these. */
const OTHERS: ReadonlySet<string> = new Set(["webrtc-meeting", "compose-demo", "cluster"]);
const NAMES = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .filter((name) => !OTHERS.has(name));

vi.setConfig({ testTimeout: 90_000 });

let packages: PackageFolder;
beforeAll(async () => {
  packages = await PackageFolder.create();
});
afterAll(() => packages[Symbol.asyncDispose]());

/** Bytes of bodies and requests, by route. */
type Bytes = Record<string, { requests: number; received: number; sent: number }>;

/** Talks to the app; counts on the wire. */
async function use(port: number, id: string): Promise<Bytes> {
  const bytes: Bytes = {};
  const send = async (route: string, requestLine: string, body: string): Promise<string> => {
    const client = await RawClient.open(port);
    client.send(`${requestLine} HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
    client.send(body);
    const [response] = await client.responses([requestLine.split(" ")[0]!]);
    await client.closed();
    const of = (bytes[route] ??= { requests: 0, received: 0, sent: 0 });
    of.requests += 1;
    of.received += body.length;
    of.sent += response?.bodyBytes ?? 0;
    return response?.body.toString() ?? "";
  };
  await send("/users/:id", `GET /users/${id}`, "");
  await send("/users/:id", `GET /users/${id}?q=${id}`, "");
  const answer = await send("/files/uploads/:name", `POST /files/uploads/${id}`, "u".repeat(300_000));
  expect(JSON.parse(answer)).toEqual({ name: id, bytes: 300_000 });
  expect(await send("/files/downloads/:kibibytes", "GET /files/downloads/500", "")).toHaveLength(512_000);
  await send("none", `GET /nowhere/${id}`, "");
  return bytes;
}

function exported(receiver: FakeOtlpServer): Bytes {
  const bytes: Bytes = {};
  const add = (metric: string, direction: "received" | "sent"): void => {
    for (const point of receiver.points(metric)) {
      const of = (bytes[String(attributesOf(point)["http.route"] ?? "none")] ??= { requests: 0, received: 0, sent: 0 });
      of[direction] += point.sum ?? 0;
      if (direction === "sent") of.requests += point.count ?? 0;
    }
  };
  add("http.server.request.body.size", "received");
  add("http.server.response.body.size", "sent");
  return bytes;
}

test("there is an example for each framework", () => {
  expect(NAMES).toEqual(["express", "fastify", "hono", "http", "koa", "nestjs"]);
});

test.for(NAMES)("examples/%s", async (name) => {
  await using receiver = new FakeOtlpServer();
  const folder = await packages.install(join(EXAMPLES, name));
  const { scripts } = await manifestOf(folder);
  if (scripts.prestart !== undefined) {
    expect(scripts.prestart).toBe("tsc");
    await compile(folder);
  }
  const [command, ...args] = scripts.start.split(" ");
  expect(command).toBe("node");
  const app = await startApp(folder, args, {
    OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRIC_EXPORT_INTERVAL: "3600000",
  });
  const id = randomUUID();
  const counted = await use(app.port, id);
  expect(await app.end(), app.output()).toBe("SIGTERM");
  expect(exported(receiver)).toEqual(counted);
  expect(JSON.stringify(receiver.requests)).not.toContain(id);
  const durations = receiver.points("http.server.request.duration").map((point) => attributesOf(point)["http.route"]);
  expect(new Set(durations), "the durations have the same routes").toEqual(
    new Set([...Object.keys(counted).filter((route) => route !== "none"), undefined]),
  );
  expect(app.output().trim().split("\n"), "it prints nothing of ours").toHaveLength(1);
});
