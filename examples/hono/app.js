// A Hono app on Node. Hono tells nobody its routes: honoRoute() is the one line about measuring.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { routePath } from "hono/route";
import { stream } from "hono/streaming";
import { honoRoute } from "otel-bandwidth/http";

const files = new Hono();

files.post("/uploads/:name", async (context) => {
  let bytes = 0;
  for await (const piece of context.req.raw.body ?? []) bytes += piece.length;
  return context.json({ name: context.req.param("name"), bytes }, 201);
});

files.get("/downloads/:kibibytes", (context) =>
  stream(context, async (output) => {
    const count = Number(context.req.param("kibibytes"));
    for (let sent = 0; sent < count; sent += 1) await output.write("x".repeat(1024));
  }),
);

const app = new Hono();
app.use(honoRoute(routePath));
app.get("/users/:id", (context) => context.json({ id: context.req.param("id") }));
app.route("/files", files);

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}`);
});
