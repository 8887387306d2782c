// The meeting's own backend: serves the page, passes on what browsers have to tell each other, and says by a token who is who.
// The receiver runs in the same process here, so that one command is enough.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SignJWT } from "jose";
import { createReceiver } from "otel-bandwidth/receiver";
import { Meetings } from "./meetings.js";
import { startTurnServer } from "./turn-server.js";

const HOST = "127.0.0.1";
const secret = randomBytes(32).toString("hex");
const here = dirname(fileURLToPath(import.meta.url));
// What a page imports is one folder of plain modules: no bundler needed.
const browserFolder = dirname(fileURLToPath(import.meta.resolve("otel-bandwidth/browser")));

const meetings = new Meetings();
const turn = await startTurnServer(HOST);
const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
await new Promise((resolve) => server.listen(Number(process.env.PORT ?? 3000), HOST, resolve));
const origin = `http://${HOST}:${server.address().port}`;

// Settings come from the environment (BRIDGE_PORT, MYSQL_URL, TURN_COST_PER_USER_HOUR, ...); these are the example's own.
const receiver = createReceiver({ bridgeJwtSecret: secret, bridgeOrigins: [origin] });
const { bridgePort } = await receiver.start();
const bridge = `http://${receiver.settings.bridgeHost}:${bridgePort}`;

console.log(`listening on ${origin}`);
console.log(
  turn === undefined
    ? "Open it in two tabs. There is no turnserver here, so calls are direct."
    : `Open it in two tabs; ${origin}/?relay is a tab that is forced through TURN.`,
);
const month = new Date().toISOString().slice(0, 7);
console.log(
  `Live figures: ${bridge}/. The bill, in this folder: npx otel-bandwidth bill --month ${month} --by participant`,
);

async function stop() {
  server.closeAllConnections();
  server.close();
  turn?.stop();
  await receiver.stop();
  process.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, origin);
  const room = searchParams.get("room") ?? "lobby";
  if (request.method === "POST" && pathname === "/signal") {
    response.writeHead(meetings.pass(room, searchParams.get("from"), await bodyOf(request)) ? 204 : 404).end();
  } else if (pathname === "/events") {
    const participant = meetings.join(room, response);
    if (participant === undefined) response.writeHead(409).end("the room is full");
  } else if (pathname === "/session") {
    // A real backend knows who has logged in; here anybody is who they say they are.
    const participant = searchParams.get("participant");
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(
      JSON.stringify({
        bridge,
        token: await sign({ meeting: room, participant }),
        turn: turn?.credentials(participant),
      }),
    );
  } else {
    await sendFile(pathname, response);
  }
}

/** Whoever has this token is `participant` of `meeting`, until it expires; the page then asks for another. */
function sign({ role = "participant", meeting, participant }) {
  return new SignJWT({ role, meeting, participant })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("10 minutes")
    .sign(new TextEncoder().encode(secret));
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

async function sendFile(pathname, response) {
  const name = pathname === "/" ? "index.html" : pathname.slice(1);
  const [folder, file] = name.startsWith("otel-bandwidth/")
    ? [browserFolder, name.slice("otel-bandwidth/".length)]
    : [join(here, "public"), name];
  // One name, no path: nothing outside of the two folders.
  const content = /^[\w-]+\.\w+$/.test(file) ? await readFile(join(folder, file)).catch(() => undefined) : undefined;
  if (content === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(content);
}

async function bodyOf(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 100_000) throw new Error("a message is too long");
  }
  return body;
}
