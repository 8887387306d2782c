/** `register` names the routes of each Express that is in use, however the app loads it. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startApp } from "./support/child-app.ts";
import { attributesOf, FakeOtlpServer } from "./support/fake-otlp-server.ts";
import { PackageFolder } from "./support/package-folder.ts";
import { RawClient } from "./support/raw-client.ts";

const APP = fileURLToPath(new URL("fixtures/express-routes", import.meta.url));
/** Node strips types without a flag only in later versions. */
const FILES = ["app.cjs", "app.mjs", ...(process.features.typescript === false ? [] : ["app.ts"])];
const CASES = ["express4", "express"].flatMap((version) => FILES.map((file) => [version, file] as const));
const REQUESTS = {
  "/": "200 /",
  "/api/users/ID": "200 /api/users/:id",
  "/api/orgs/ID/members/ID": "200 /api/orgs/:org/members/:member",
  "/api/fail/ID": "500 /api/fail/:id",
  "/api/secret/ID": "401 /api/secret/:id",
  "/ID/shop/members/ID": "200 /:tenant/shop/members/:member",
  "/api/ID": "404 /api",
  "/ID": "404 none",
};

vi.setConfig({ testTimeout: 90_000 });

let packages: PackageFolder;
beforeAll(async () => {
  packages = await PackageFolder.create();
});
afterAll(() => packages[Symbol.asyncDispose]());

test.for(CASES)("%s, %s", async ([version, file]) => {
  await using receiver = new FakeOtlpServer();
  const folder = await packages.install(APP);
  await packages.linkAlias(folder, "express", version);
  const app = await startApp(folder, ["--import", "otel-bandwidth/register", file], {
    OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.listen(),
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRIC_EXPORT_INTERVAL: "3600000",
  });
  const id = randomUUID();
  for (const path of Object.keys(REQUESTS)) {
    const client = await RawClient.open(app.port);
    client.send(`GET ${path.replaceAll("ID", id)} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`);
    await client.closed();
  }
  expect(await app.end(), app.output()).toBe("SIGTERM");
  for (const metric of ["http.server.response.body.size", "http.server.request.duration"]) {
    const routes = receiver.points(metric).map((point) => {
      const { "http.response.status_code": status, "http.route": route = "none" } = attributesOf(point);
      return `${status} ${route}`;
    });
    expect(routes.sort(), metric).toEqual(Object.values(REQUESTS).sort());
  }
  expect(JSON.stringify(receiver.requests)).not.toContain(id);
});
