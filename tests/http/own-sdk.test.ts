/** Apps with an OpenTelemetry SDK of their own, of either line, with our instrumentation in it or with `register` before it. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { SDK_2_MODULES } from "../support/otel-sdk-2.ts";
import { startApp } from "./support/child-app.ts";
import { attributesOf, FakeOtlpServer } from "./support/fake-otlp-server.ts";
import { PackageFolder } from "./support/package-folder.ts";
import { RawClient } from "./support/raw-client.ts";

vi.setConfig({ testTimeout: 90_000 });

const APP = fileURLToPath(new URL("fixtures/own-sdk", import.meta.url));
const SDK_3_MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const REGISTER = ["--import", "otel-bandwidth/register"];
const REQUEST = "GET /users/7 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
const DURATION = "http.server.request.duration";
const SIZE = "http.server.response.body.size";

/** What one run exported: to the team's place and, with `register`, to ours. */
interface Exported {
  readonly team: Readonly<Record<string, unknown>>;
  readonly ours: Readonly<Record<string, unknown>>;
  readonly output: string;
}

/** Runs the app with the SDK in `modules`, sends two requests, ends it. */
async function run(packages: PackageFolder, modules: string, args: string[], environment = {}): Promise<Exported> {
  await using team = new FakeOtlpServer();
  await using ours = new FakeOtlpServer();
  const folder = await packages.install(APP);
  await packages.link(folder, "@opentelemetry", join(modules, "@opentelemetry"));
  const app = await startApp(folder, [...args, "app.mjs"], {
    TEAM_ENDPOINT: await team.listen(),
    OTEL_EXPORTER_OTLP_ENDPOINT: await ours.listen(),
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRIC_EXPORT_INTERVAL: "3600000",
    ...environment,
  });
  for (let sent = 0; sent < 2; sent += 1) {
    const client = await RawClient.open(app.port);
    client.send(REQUEST);
    await client.closed();
  }
  expect(await app.end(), app.output()).toBe(0);
  return { team: pointsOf(team), ours: pointsOf(ours), output: app.output().trim() };
}

/** By metric: the count or sum, and the route; undefined when there is no point. */
function pointsOf(receiver: FakeOtlpServer): Record<string, unknown> {
  return Object.fromEntries(
    [DURATION, SIZE, "shop.orders"].map((name) => {
      const points = receiver.points(name);
      const values = points.map((point) => [point.count ?? Number(point.asInt), attributesOf(point)["http.route"]]);
      return [name, values.length === 0 ? undefined : values.flat()];
    }),
  );
}

/** All that the app prints: its spans are its own too. */
const PRINTED = /^listening on http:\/\/127\.0\.0\.1:\d+\nserver spans: 2$/;
const NOTHING = { [DURATION]: undefined, [SIZE]: undefined, "shop.orders": undefined };

describe.each([
  ["3.x", SDK_3_MODULES],
  ["2.x", SDK_2_MODULES],
] as const)("SDK %s", (line, modules) => {
  let packages: PackageFolder;
  beforeAll(async () => {
    packages = await PackageFolder.create(join(modules, "@opentelemetry/api"));
  });
  afterAll(() => packages[Symbol.asyncDispose]());

  test("with HttpSizeInstrumentation in its set-up, all goes where the team sends it, with the route", async () => {
    const { team, ours, output } = await run(packages, modules, [], { SIZES: "1" });
    expect(team).toEqual({ [DURATION]: [2, "/users/:id"], [SIZE]: [2, "/users/:id"], "shop.orders": [2, undefined] });
    expect(ours).toEqual(NOTHING);
    expect(output).toMatch(PRINTED);
  });

  test("with register before it, the team loses nothing and nothing is counted twice", async () => {
    const { team, ours, output } = await run(packages, modules, REGISTER);
    // An SDK of the 2.x line excludes that of register: what we count goes out with the team's.
    const sizes = [2, "/users/:id"];
    expect(team).toEqual({
      [DURATION]: [2, "/users/:id"],
      [SIZE]: line === "2.x" ? sizes : undefined,
      "shop.orders": [2, undefined],
    });
    expect(ours).toEqual({ ...NOTHING, [SIZE]: line === "2.x" ? undefined : sizes });
    expect(output).toMatch(PRINTED);
  });

  test("with register after its set-up, what we count goes out with the team's", async () => {
    const { team, ours, output } = await run(packages, modules, ["--import", "./sdk.mjs", ...REGISTER]);
    expect(team).toEqual({ [DURATION]: [2, "/users/:id"], [SIZE]: [2, "/users/:id"], "shop.orders": [2, undefined] });
    expect(ours).toEqual(NOTHING);
    expect(output).toMatch(PRINTED);
  });

  test("with both register and HttpSizeInstrumentation, nothing is counted twice", async () => {
    const { team, ours } = await run(packages, modules, REGISTER, { SIZES: "1" });
    const exported = [team[SIZE], ours[SIZE]].filter((points) => points !== undefined);
    expect(exported).toEqual([[2, "/users/:id"]]);
  });
});

test("a second copy of the API, of another minor version, costs nothing where the SDK hands over its meter provider", async () => {
  await using packages = await PackageFolder.create();
  const { team } = await run(packages, SDK_2_MODULES, [], { SIZES: "1" });
  expect(team[SIZE]).toEqual([2, "/users/:id"]);
  expect(dirname(SDK_2_MODULES)).not.toBe(dirname(SDK_3_MODULES));
});
