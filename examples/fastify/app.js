// A Fastify app as any other: nothing in it is about measuring.
import fastify from "fastify";
import { Readable } from "node:stream";

const app = fastify();

app.get("/users/:id", async (request) => ({ id: request.params.id }));

await app.register(
  async (files) => {
    files.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    files.post("/uploads/:name", async (request, reply) => {
      let bytes = 0;
      for await (const piece of request.body) bytes += piece.length;
      return reply.code(201).send({ name: request.params.name, bytes });
    });
    files.get("/downloads/:kibibytes", async (request, reply) =>
      reply.type("text/plain").send(Readable.from(kibibytes(Number(request.params.kibibytes)))),
    );
  },
  { prefix: "/files" },
);

await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) });
console.log(`listening on http://127.0.0.1:${app.server.address().port}`);

function* kibibytes(count) {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(1024, "x");
}
