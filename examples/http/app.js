// A server without a framework. Only its own code knows its routes: setHttpRoute() names them.
import { createServer } from "node:http";
import { setHttpRoute } from "otel-bandwidth/http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const routes = [
  ["GET", "/users/:id", getUser],
  ["POST", "/files/uploads/:name", upload],
  ["GET", "/files/downloads/:kibibytes", download],
].map(([method, path, handle]) => ({
  method,
  path,
  handle,
  pattern: new RegExp(`^${path.replace(/:\w+/, "([^/]+)")}$`),
}));

function getUser(_request, response, id) {
  response.end(JSON.stringify({ id }));
}

async function upload(request, response, name) {
  let bytes = 0;
  for await (const piece of request) bytes += piece.length;
  response.writeHead(201).end(JSON.stringify({ name, bytes }));
}

async function download(_request, response, count) {
  await pipeline(Readable.from(kibibytes(Number(count))), response);
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const route = routes.find(({ method, pattern }) => method === request.method && pattern.test(pathname));
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  setHttpRoute(request, route.path);
  try {
    await route.handle(request, response, route.pattern.exec(pathname)[1]);
  } catch (error) {
    console.error(error);
    response.destroy();
  }
}

const server = createServer((request, response) => void answer(request, response));

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

function* kibibytes(count) {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(1024, "x");
}
