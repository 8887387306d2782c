/** Each framework's routes reach the metrics as patterns, and nothing that a client put into a path does. */
import express from "express";
import { randomUUID } from "node:crypto";
import { hasSubscribers } from "node:diagnostics_channel";
import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { close } from "./support/counted-server.ts";
import {
  startExpress,
  startFastify,
  startHono,
  startKoa,
  startNest,
  type FrameworkApp,
} from "./support/framework-apps.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { RawClient } from "./support/raw-client.ts";

const express4 = createRequire(import.meta.url)("express4") as typeof express;

interface Framework {
  readonly name: string;
  readonly start: () => Promise<FrameworkApp>;
  /** False when nobody names its routes. */
  readonly named?: false;
  /** Requests that only this framework has; by path with ID for a random id, the status and route. */
  readonly own?: Readonly<Record<string, readonly [status: number, route: string | undefined]>>;
}

const COMMON = {
  "/": [200, "/"],
  "/api/users/ID": [200, "/api/users/:id"],
  "/api/users/ID?token=ID": [200, "/api/users/:id"],
  "/api/users/%2e%2e%2fID": [200, "/api/users/:id"],
  "/api/orgs/ID/members/ID": [200, "/api/orgs/:org/members/:member"],
  "/api/fail/ID": [500, "/api/fail/:id"],
} as const;

const FRAMEWORKS: readonly Framework[] = [
  {
    name: "express 5.3 without instrumentation-express",
    start: () => startExpress(express),
    own: {
      "/api/secret/ID": [401, "/api/secret/:id"],
      "/ID/shop/members/ID": [200, "/:tenant/shop/members/:member"],
      "/api/ID": [404, "/api"],
      "/ID": [404, undefined],
    },
  },
  {
    name: "express 4 without instrumentation-express, which names no route",
    start: () => startExpress(express4),
    named: false,
  },
  {
    name: "fastify",
    start: startFastify,
    own: {
      "/api/secret/ID": [401, "/api/secret/:id"],
      "/api/checked/ID": [400, "/api/checked/:id"],
      "/api/checked/ID?page=1": [200, "/api/checked/:id"],
      "/api/ID": [404, undefined],
      "/ID": [404, undefined],
    },
  },
  {
    name: "koa with @koa/router and koaRoute()",
    start: startKoa,
    own: { "/api/secret/ID": [401, "/api/secret/:id"], "/api/ID": [404, undefined], "/ID": [404, undefined] },
  },
  {
    name: "hono with honoRoute(routePath)",
    start: startHono,
    own: { "/api/secret/ID": [401, "/api/secret/:id"], "/api/ID": [404, undefined], "/ID": [404, undefined] },
  },
  { name: "nest on express", start: () => startNest("express"), own: { "/ID": [404, undefined] } },
  { name: "nest on fastify", start: () => startNest("fastify"), own: { "/ID": [404, undefined] } },
];

let metrics: MetricBench;
let instrumentation: HttpSizeInstrumentation;

beforeEach(() => {
  metrics = new MetricBench();
  instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
});
afterEach(() => instrumentation.disable());

async function get(port: number, path: string): Promise<number> {
  const client = await RawClient.open(port);
  client.send(`GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`);
  const [response] = await client.responses(["GET"]);
  await client.closed();
  return response?.status ?? 0;
}

describe.each(FRAMEWORKS)("$name", ({ start, own, named = true }) => {
  test("names routes by their patterns, never by paths", async () => {
    const id = randomUUID();
    const app = await start();
    const expected: Record<string, readonly unknown[]> = { ...COMMON, ...own };
    if (!named) for (const [path, [status]] of Object.entries(expected)) expected[path] = [status, undefined];
    try {
      const seen: Record<string, unknown> = {};
      let requests = 0;
      for (const path of Object.keys(expected)) {
        const before = await routeCounts();
        const status = await get(app.port, path.replaceAll("ID", id));
        await metrics.settled((requests += 1));
        const after = await routeCounts();
        const route = [...after.keys()].find((name) => after.get(name) !== before.get(name));
        seen[path] = [status, route];
      }
      expect(seen).toEqual(expected);
      expect(await everyAttribute()).not.toContain(id);
    } finally {
      await close(app.server);
    }
  });

  test("names the route of a response that the client cut", async () => {
    const app = await start();
    try {
      const client = await RawClient.open(app.port);
      client.send("GET /api/stream/7 HTTP/1.1\r\nHost: test\r\n\r\n");
      await expect.poll(() => client.received().toString()).toContain("first");
      client.socket.destroy();
      const [reading] = await metrics.settled(1);
      expect(reading?.attributes["error.type"]).toBe("aborted");
      expect(reading?.attributes["http.route"]).toBe(named ? "/api/stream/:id" : undefined);
    } finally {
      await close(app.server);
    }
  });
});

test("a Fastify instance that is older than the counting names the routes of requests that reach their handlers", async () => {
  instrumentation.disable();
  const app = await startFastify();
  instrumentation.enable();
  try {
    await get(app.port, "/api/users/7");
    await get(app.port, "/api/secret/7");
    await metrics.settled(2);
    expect(Object.fromEntries(await routeCounts())).toEqual({ "/api/users/:id": 1, undefined: 1 });
  } finally {
    await close(app.server);
  }
});

test("disable() leaves the frameworks alone", async () => {
  instrumentation.disable();
  for (const name of ["tracing:express.router.request:start", "tracing:fastify.request.handler:start"])
    expect(hasSubscribers(name)).toBe(false);
  expect(hasSubscribers("fastify.initialization")).toBe(false);
  instrumentation.enable();
  expect(hasSubscribers("fastify.initialization")).toBe(true);
});

async function routeCounts(): Promise<Map<string | undefined, number>> {
  const counts = new Map<string | undefined, number>();
  for (const { attributes, count } of await metrics.readings("http.server.response.body.size")) {
    const route = attributes["http.route"] as string | undefined;
    counts.set(route, (counts.get(route) ?? 0) + count);
  }
  return counts;
}

async function everyAttribute(): Promise<string> {
  const readings = await Promise.all((await metrics.names()).map((name) => metrics.readings(name)));
  return JSON.stringify(readings.flat().map(({ attributes }) => attributes));
}
