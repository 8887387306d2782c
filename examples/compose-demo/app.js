// The app of docker-compose.yml: a small shop and its visitors in one process, so that there is something to see, and a page
// with a relayed call. `register` measures the shop; what it has to do with measuring itself is the name of each route.
import { createServer, request } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setHttpRoute } from "otel-bandwidth/http";
import { callSession } from "./call-session.js";

const PORT = Number(process.env.PORT ?? 3000);
const REQUESTS_PER_SECOND = Number(process.env.DEMO_REQUESTS_PER_SECOND ?? 5);
/** One in so many orders fails, so that errors are seen, too. */
const ORDERS_PER_FAILURE = 50;
const PUBLIC_FOLDER = fileURLToPath(new URL("public", import.meta.url));
// What a page imports is one folder of plain modules: no bundler needed.
const BROWSER_FOLDER = dirname(fileURLToPath(import.meta.resolve("otel-bandwidth/browser")));
const TYPES = { ".html": "text/html", ".js": "text/javascript" };

if (!(REQUESTS_PER_SECOND >= 0 && REQUESTS_PER_SECOND <= 1000)) {
  console.error(`DEMO_REQUESTS_PER_SECOND: expected 0 to 1000 (got ${process.env.DEMO_REQUESTS_PER_SECOND})`);
  process.exit(2);
}

const routes = [
  ["GET", "/", home],
  ["GET", "/products/:id", product],
  ["GET", "/images/:name", image],
  ["POST", "/orders", order],
  ["GET", "/call", (_request, response) => sendFile(PUBLIC_FOLDER, "call.html", response)],
  ["GET", "/public/:file", (_request, response, file) => sendFile(PUBLIC_FOLDER, file, response)],
  ["GET", "/otel-bandwidth/:file", (_request, response, file) => sendFile(BROWSER_FOLDER, file, response)],
  ["GET", "/session", session],
].map(([method, path, handle]) => ({
  method,
  path,
  handle,
  pattern: new RegExp(`^${path.replace(/:\w+/, "([^/]+)")}$`),
}));

let orders = 0;
let stopping = false;

function home(_request, response) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(`<!doctype html><title>Shop</title><p>The shop. Its visitors are in the same process: look at Grafana.
<p><a href="/call">A call through the TURN server</a>`);
}

function product(_request, response, id) {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ id, name: `Product ${id}`, text: "As good as it gets. ".repeat(40) }));
}

function image(_request, response) {
  response.writeHead(200, { "content-type": "image/png" });
  response.end(Buffer.alloc(50_000 + Math.floor(Math.random() * 150_000)));
}

async function order(incoming, response) {
  let bytes = 0;
  for await (const piece of incoming) bytes += piece.length;
  await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 90));
  orders += 1;
  response.writeHead(orders % ORDERS_PER_FAILURE === 0 ? 500 : 201).end(JSON.stringify({ order: orders, bytes }));
}

function session(incoming, response) {
  const { searchParams } = new URL(incoming.url, "http://shop");
  const answer = callSession(searchParams.get("meeting"), searchParams.get("participant"));
  if (answer === undefined) response.writeHead(404).end();
  else {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(answer));
  }
}

async function sendFile(folder, name, response) {
  // One name, no path: nothing outside of the folder.
  const content = /^[\w-]+\.\w+$/.test(name) ? await readFile(join(folder, name)).catch(() => undefined) : undefined;
  const type = TYPES[extname(name)];
  if (content === undefined || type === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-type": type }).end(content);
}

const server = createServer((incoming, response) => {
  const { pathname } = new URL(incoming.url, "http://shop");
  const route = routes.find(({ method, pattern }) => method === incoming.method && pattern.test(pathname));
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  setHttpRoute(incoming, route.path);
  Promise.resolve(route.handle(incoming, response, ...route.pattern.exec(pathname).slice(1))).catch((error) => {
    if (!stopping) console.error(error);
    response.destroy();
  });
});

server.listen(PORT, () => {
  console.log(`listening on port ${server.address().port}, ${REQUESTS_PER_SECOND} requests a second of its own`);
  const visits = REQUESTS_PER_SECOND === 0 ? undefined : setInterval(visit, 1000 / REQUESTS_PER_SECOND);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      stopping = true;
      clearInterval(visits);
      server.close();
      server.closeAllConnections();
    });
  }
});

/** One visitor asks for one thing: mostly products, then pictures, then an order. */
function visit() {
  const choice = Math.random();
  const id = Math.ceil(Math.random() * 100);
  if (choice < 0.6) send("GET", `/products/${id}`);
  else if (choice < 0.9) send("GET", `/images/${id}.png`);
  else send("POST", "/orders", Buffer.alloc(200 + Math.floor(Math.random() * 5000), "x"));
}

function send(method, path, body) {
  const { port } = server.address();
  const sent = request({ host: "127.0.0.1", port, method, path }, (answer) => answer.resume());
  sent.on("error", (error) => stopping || console.error(`${method} ${path}: ${error.message}`));
  sent.end(body);
}
