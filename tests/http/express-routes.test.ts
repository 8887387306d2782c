/** Whatever tree of routers an Express app is, the route is the pattern of the handler that answered. */
import express, { type RequestHandler, type Router } from "express";
import fc from "fast-check";
import { createServer, type RequestListener } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { close, listen } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { RawClient } from "./support/raw-client.ts";

/** A layer of a router. */
type Node =
  | { readonly kind: "route"; readonly path: string; readonly passes: boolean }
  | { readonly kind: "middleware"; readonly later: boolean }
  | { readonly kind: "router"; readonly path: string; readonly later: boolean; readonly nodes: readonly Node[] };

const path = fc.constantFrom("/", "/a", "/b", "/:x", "/a/b", "/:x/b", "/:x/:y");
const tree = fc.letrec<{ node: Node; nodes: readonly Node[] }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "medium" },
    fc.record({ kind: fc.constant("route" as const), path, passes: fc.boolean() }),
    fc.record({ kind: fc.constant("middleware" as const), later: fc.boolean() }),
    fc.record({ kind: fc.constant("router" as const), path, later: fc.boolean(), nodes: tie("nodes") }),
  ),
  nodes: fc.array(tie("node"), { minLength: 1, maxLength: 4 }),
}));
const requestPath = fc
  .array(fc.constantFrom("a", "b", "id-4711"), { maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

/** Each handler that answers says its own whole pattern in a header. */
function build(router: Router, prefix: string, nodes: readonly Node[]): Router {
  for (const node of nodes) {
    if (node.kind === "middleware") router.use(node.later ? passLater : pass);
    else if (node.kind === "router") {
      const whole = join(prefix, node.path);
      const nested = build(express.Router({ mergeParams: true }), whole, node.nodes);
      const wrapped: RequestHandler = (request, response, next) =>
        void setImmediate(() => nested(request, response, next));
      router.use(node.path, node.later ? wrapped : nested);
    } else if (node.passes) router.get(node.path, passLater);
    else router.get(node.path, (_request, response) => void response.set("Pattern", join(prefix, node.path)).end());
  }
  return router;
}

const pass: RequestHandler = (_request, _response, next) => next();
const passLater: RequestHandler = (_request, _response, next) => void setImmediate(next);
const join = (prefix: string, pattern: string): string =>
  pattern === "/" ? prefix || "/" : (prefix === "/" ? "" : prefix) + pattern;

let instrumentation: HttpSizeInstrumentation;
beforeEach(() => {
  instrumentation = new HttpSizeInstrumentation();
});
afterEach(() => instrumentation.disable());

test("any tree of routers, parameters, middleware and handlers that pass on", async () => {
  let answered = 0;
  const check = async (nodes: readonly Node[], paths: readonly string[]): Promise<void> => {
    const app = express();
    app.use(build(express.Router(), "", nodes));
    const server = createServer(app as RequestListener);
    const port = await listen(server);
    try {
      for (const requested of paths) {
        const metrics = new MetricBench();
        instrumentation.setMeterProvider(metrics.provider);
        const client = await RawClient.open(port);
        client.send(`GET ${requested} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`);
        await client.closed();
        const [reading] = await metrics.settled(1);
        const pattern = /^Pattern: (.*)\r$/m.exec(client.received().toString())?.[1];
        if (pattern === undefined) expect(reading?.attributes["http.route"] ?? "").not.toContain("id-4711");
        else expect(reading?.attributes["http.route"]).toBe(pattern);
        answered += pattern === undefined ? 0 : 1;
      }
    } finally {
      await close(server);
    }
  };
  const paths = fc.array(requestPath, { minLength: 4, maxLength: 8 });
  await fc.assert(fc.asyncProperty(fc.array(tree.node, { minLength: 3, maxLength: 6 }), paths, check), {
    numRuns: 100,
  });
  expect(answered, "the property is about answers").toBeGreaterThan(10);
}, 90_000);
