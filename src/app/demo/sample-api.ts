/**
 * The API that the demo measures: an Express app without a line about measuring. It runs in a process of its own, started
 * with `node --import otel-bandwidth/register`, and tells its parent the port.
 */
import express, { type ErrorRequestHandler, type Request } from "express";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { createGzip } from "node:zlib";

const MAX_JSON_BYTES = 256 * 1024;
const MAX_COUNT = 5000;
const ROWS_PER_BLOCK = 200;
const PAGE_TEXT = "The quick brown fox jumps over the lazy dog.\n".repeat(60);
/** Between two pages of a report: what a database would take. */
const PAGE_DELAY_MILLIS = 1;

const api = express.Router();

api.get("/products", (request, response) => {
  const products = Array.from({ length: count(request, "count") }, (_, index) => product(index));
  response.json({ products });
});

api.post("/orders", express.json({ limit: MAX_JSON_BYTES }), (request, response) => {
  const { items = [] } = (request.body ?? {}) as { items?: readonly number[] };
  response.status(201).json({ order: items.length, items });
});

api.delete("/orders/:id", (_request, response) => void response.status(204).end());

api.put("/uploads/:name", (request, response, next) => {
  const { name } = request.params;
  uploadedBytes(request).then((bytes) => response.json({ name, bytes }), next);
});

api.get("/reports/:id", (request, response, next) => {
  response.type("text/plain");
  pipeline(Readable.from(reportPages(count(request, "pages"))), response, (error) => error && next(error));
});

api.get("/export", (request, response, next) => {
  response.type("text/csv").set("content-encoding", "gzip");
  pipeline(Readable.from(exportRows(count(request, "rows"))), createGzip(), response, (error) => error && next(error));
});

api.get("/failing", () => {
  throw new Error("the sample API fails here on purpose");
});

function product(index: number): object {
  return { id: index, name: `Product ${index}`, price: (index * 37) % 1000, tags: ["sample", `tag-${index % 7}`] };
}

async function* reportPages(pages: number): AsyncGenerator<string> {
  for (let page = 1; page <= pages; page += 1) {
    await wait(PAGE_DELAY_MILLIS);
    yield `Page ${page}\n${PAGE_TEXT}`;
  }
}

function* exportRows(rows: number): Generator<string> {
  let block = "";
  for (let row = 1; row <= rows; row += 1) {
    block += `${row},${(row * 7919) % 10_007},item ${row % 13}\n`;
    if (row % ROWS_PER_BLOCK !== 0 && row < rows) continue;
    yield block;
    block = "";
  }
}

async function uploadedBytes(request: Request): Promise<number> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  return bytes;
}

function count(request: Request, name: string): number {
  const value = Number(request.query[name] ?? 1);
  return Number.isInteger(value) && value > 0 ? Math.min(value, MAX_COUNT) : 1;
}

const answerError: ErrorRequestHandler = (error: { status?: number; message: string }, _request, response, next) => {
  if (response.headersSent) next(error);
  else response.status(error.status ?? 500).json({ error: error.message });
};

const app = express();
app.use("/api", api);
app.use(answerError);

const server = createServer(app).listen(0, "127.0.0.1", () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});

function stop(): void {
  server.close();
  if (process.connected) process.disconnect();
}

// Ctrl-C in a terminal reaches this process too; its parent decides when it ends.
process.on("SIGINT", () => undefined);
process.once("SIGTERM", stop);
process.once("disconnect", stop);
