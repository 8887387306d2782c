import { Controller, Get, Param, Post, Req, StreamableFile } from "@nestjs/common";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

@Controller("files")
export class FilesController {
  @Post("uploads/:name")
  async upload(@Param("name") name: string, @Req() request: IncomingMessage): Promise<{ name: string; bytes: number }> {
    let bytes = 0;
    for await (const piece of request) bytes += (piece as Buffer).length;
    return { name, bytes };
  }

  @Get("downloads/:kibibytes")
  download(@Param("kibibytes") count: string): StreamableFile {
    return new StreamableFile(Readable.from(kibibytes(Number(count))));
  }
}

function* kibibytes(count: number): Generator<Buffer> {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(1024, "x");
}
