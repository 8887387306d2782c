// An Express app as any other: nothing in it is about measuring.
import express from "express";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const files = express.Router();

files.post("/uploads/:name", async (request, response) => {
  let bytes = 0;
  for await (const piece of request) bytes += piece.length;
  response.status(201).json({ name: request.params.name, bytes });
});

files.get("/downloads/:kibibytes", async (request, response) => {
  await pipeline(Readable.from(kibibytes(Number(request.params.kibibytes))), response);
});

const app = express();
app.get("/users/:id", (request, response) => void response.json({ id: request.params.id }));
app.use("/files", files);

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

function* kibibytes(count) {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(1024, "x");
}
