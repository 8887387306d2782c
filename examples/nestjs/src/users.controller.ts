import { Controller, Get, Param } from "@nestjs/common";

@Controller("users")
export class UsersController {
  @Get(":id")
  user(@Param("id") id: string): { id: string } {
    return { id };
  }
}
