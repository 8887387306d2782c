// A NestJS app as any other: nothing in it is about measuring.
import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.js";

const app = await NestFactory.create(AppModule, { bodyParser: false, logger: ["error"] });
await app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1");
console.log(`listening on ${await app.getUrl()}`);
