// A Koa app. Koa tells nobody its routes: koaRoute() is the one line about measuring.
import { Router } from "@koa/router";
import Koa from "koa";
import { Readable } from "node:stream";
import { koaRoute } from "otel-bandwidth/http";

const users = new Router();
users.get("/users/:id", (context) => {
  context.body = { id: context.params.id };
});

const files = new Router({ prefix: "/files" });

files.post("/uploads/:name", async (context) => {
  let bytes = 0;
  for await (const piece of context.req) bytes += piece.length;
  context.status = 201;
  context.body = { name: context.params.name, bytes };
});

files.get("/downloads/:kibibytes", (context) => {
  context.type = "text/plain";
  context.body = Readable.from(kibibytes(Number(context.params.kibibytes)));
});

const app = new Koa();
app.use(koaRoute());
app.use(users.routes());
app.use(files.routes());

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

function* kibibytes(count) {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(1024, "x");
}
