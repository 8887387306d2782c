import { Module } from "@nestjs/common";
import { FilesController } from "./files.controller.js";
import { UsersController } from "./users.controller.js";

@Module({ controllers: [UsersController, FilesController] })
export class AppModule {}
