// The app of docker-compose.yml: a small shop and its visitors in one process, so that there is something to see. `register`
// measures it; what the shop itself has to do with measuring is the name of each route.
import { createServer, request } from "node:http";
import { setHttpRoute } from "otel-bandwidth/http";

const PORT = Number(process.env.PORT ?? 3000);
const REQUESTS_PER_SECOND = Number(process.env.DEMO_REQUESTS_PER_SECOND ?? 5);
/** One in so many orders fails, so that errors are seen, too. */
const ORDERS_PER_FAILURE = 50;

if (!(REQUESTS_PER_SECOND >= 0 && REQUESTS_PER_SECOND <= 1000)) {
  console.error(`DEMO_REQUESTS_PER_SECOND: expected 0 to 1000 (got ${process.env.DEMO_REQUESTS_PER_SECOND})`);
  process.exit(2);
}

const routes = [
  ["GET", "/", home],
  ["GET", "/products/:id", product],
  ["GET", "/images/:name", image],
  ["POST", "/orders", order],
].map(([method, path, handle]) => ({
  method,
  path,
  handle,
  pattern: new RegExp(`^${path.replace(/:\w+/, "([^/]+)")}$`),
}));

let orders = 0;

function home(_request, response) {
  response.writeHead(200, { "content-type": "text/plain" });
  response.end("The shop. Its visitors are in the same process: look at Grafana.\n");
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

const server = createServer((incoming, response) => {
  const { pathname } = new URL(incoming.url, "http://shop");
  const route = routes.find(({ method, pattern }) => method === incoming.method && pattern.test(pathname));
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  setHttpRoute(incoming, route.path);
  Promise.resolve(route.handle(incoming, response, ...route.pattern.exec(pathname).slice(1))).catch((error) => {
    console.error(error);
    response.destroy();
  });
});

server.listen(PORT, () => {
  console.log(`listening on port ${server.address().port}, ${REQUESTS_PER_SECOND} requests a second of its own`);
  if (REQUESTS_PER_SECOND === 0) return;
  const visits = setInterval(visit, 1000 / REQUESTS_PER_SECOND);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
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
  const sent = request({ host: "127.0.0.1", port: server.address().port, method, path }, (answer) => answer.resume());
  sent.on("error", (error) => console.error(`${method} ${path}: ${error.message}`));
  sent.end(body);
}
