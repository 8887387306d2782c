/**
 * The same small API in each framework, as its users write it: nested routers with parameters in their mount paths, a route
 * that fails, a route that never ends, a refusal before the handler, a mounted file server.
 */

import "reflect-metadata";
import { serve } from "@hono/node-server";
import { Router } from "@koa/router";
import { Controller, Get, Param, Module, Res, type INestApplication, type MiddlewareConsumer } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import type express from "express";
import type { ErrorRequestHandler, Express, RequestHandler } from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { routePath } from "hono/route";
import Koa from "koa";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { honoRoute, koaRoute } from "../../../src/http/index.ts";
import { listen } from "./counted-server.ts";

/** A running app. */
export interface FrameworkApp {
  readonly server: Server;
  readonly port: number;
}

type ExpressModule = typeof express;

/** Writes a first piece and never ends. */
function stream(response: ServerResponse): void {
  response.write("first");
}

/** Express, whichever version is given. */
export function expressApp(express: ExpressModule): Express {
  const members = express.Router({ mergeParams: true });
  members.get("/members/:member", (_request, response) => void response.send("member"));
  const api = express.Router();
  const refuse: RequestHandler = (_request, response) => void response.status(401).send("no");
  api.get("/users/:id", (_request, response) => void response.send("user"));
  api.get("/fail/:id", () => {
    throw new Error("it fails");
  });
  api.get("/stream/:id", (_request, response) => stream(response));
  api.use("/orgs/:org", members);
  api.use("/secret/:id", refuse);
  const app = express();
  app.use((_request, _response, next) => next());
  app.get("/", (_request, response) => void response.send("root"));
  app.use("/api", api);
  app.use("/:tenant/shop", members);
  const onError: ErrorRequestHandler = (error, _request, response, _next) =>
    void response.status(500).send(String(error));
  app.use(onError);
  return app;
}

/** Express as a server. */
export async function startExpress(express: ExpressModule): Promise<FrameworkApp> {
  const server = createServer(expressApp(express) as (request: IncomingMessage, response: ServerResponse) => void);
  return { server, port: await listen(server) };
}

/** Fastify with nested plugins. */
export async function startFastify(): Promise<FrameworkApp> {
  const app = fastify();
  app.get("/", async () => "root");
  await app.register(
    async (api) => {
      api.get("/users/:id", async () => "user");
      api.get("/fail/:id", async () => {
        throw new Error("it fails");
      });
      api.get("/stream/:id", (_request, reply) => {
        reply.hijack();
        stream(reply.raw);
      });
      await api.register(async (org) => void org.get("/members/:member", async () => "member"), {
        prefix: "/orgs/:org",
      });
      await api.register(async (secret) => {
        secret.addHook("onRequest", async (_request, reply) => reply.code(401).send("no"));
        secret.get("/secret/:id", async () => "never");
      });
      api.get(
        "/checked/:id",
        { schema: { querystring: { type: "object", required: ["page"] } } },
        async () => "checked",
      );
    },
    { prefix: "/api" },
  );
  await app.listen({ host: "127.0.0.1", port: 0 });
  return { server: app.server, port: (app.server.address() as { port: number }).port };
}

/** Koa with nested routers. */
export async function startKoa(): Promise<FrameworkApp> {
  const members = new Router();
  members.get("/members/:member", (context) => void (context.body = "member"));
  const api = new Router({ prefix: "/api" });
  api.get("/users/:id", (context) => void (context.body = "user"));
  api.get("/fail/:id", () => {
    throw new Error("it fails");
  });
  api.get("/stream/:id", (context) => {
    context.respond = false;
    stream(context.res);
  });
  api.get("/secret/:id", (context) => context.throw(401));
  api.use("/orgs/:org", members.routes());
  const root = new Router();
  root.get("/", (context) => void (context.body = "root"));
  const app = new Koa();
  app.silent = true;
  app.use(koaRoute()).use(root.routes()).use(api.routes()).use(api.allowedMethods());
  const handle = app.callback();
  const server = createServer((request, response) => void handle(request, response));
  return { server, port: await listen(server) };
}

/** Hono with nested apps, on the adapter for Node. */
export async function startHono(): Promise<FrameworkApp> {
  const members = new Hono().get("/members/:member", (context) => context.text("member"));
  const api = new Hono();
  api.get("/users/:id", (context) => context.text("user"));
  api.get("/fail/:id", () => {
    throw new Error("it fails");
  });
  api.get("/stream/:id", (context) => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("first")) });
    return context.body(body);
  });
  api.use("/secret/:id", async (context) => context.text("no", 401));
  api.route("/orgs/:org", members);
  const app = new Hono();
  app.use(honoRoute(routePath));
  app.use("*", async (_context, next) => next());
  app.get("/", (context) => context.text("root"));
  app.route("/api", api);
  app.onError((error, context) => context.text(String(error), 500));
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve({ server: server as Server, port }),
    );
  });
}

class ApiController {
  root(): string {
    return "root";
  }
  user(_id: string): string {
    return "user";
  }
  member(): string {
    return "member";
  }
  fail(): never {
    throw new Error("it fails");
  }
  stream(response: { raw?: ServerResponse; hijack?: () => void }): void {
    response.hijack?.();
    stream(response.raw ?? (response as ServerResponse));
  }
}
// Decorators by hand: what a compiler makes of them, and Node's type stripping knows none.
const describeRoute = (path: string, method: keyof ApiController): void => {
  const descriptor = Object.getOwnPropertyDescriptor(ApiController.prototype, method)!;
  Get(path)(ApiController.prototype, method, descriptor);
};
describeRoute("/", "root");
describeRoute("api/users/:id", "user");
describeRoute("api/orgs/:org/members/:member", "member");
describeRoute("api/fail/:id", "fail");
describeRoute("api/stream/:id", "stream");
Param("id")(ApiController.prototype, "user", 0);
Res()(ApiController.prototype, "stream", 0);
Controller()(ApiController);

class ApiModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply((_request: unknown, _response: unknown, next: () => void) => next()).forRoutes("*path");
  }
}
Module({ controllers: [ApiController] })(ApiModule);

/** NestJS on the given platform. */
export async function startNest(platform: "express" | "fastify"): Promise<FrameworkApp> {
  const adapter = platform === "express" ? new ExpressAdapter() : new FastifyAdapter();
  const app: INestApplication = await NestFactory.create(ApiModule, adapter as ExpressAdapter, { logger: false });
  await app.listen(0, "127.0.0.1");
  const server = app.getHttpServer() as Server;
  return { server, port: (server.address() as { port: number }).port };
}
