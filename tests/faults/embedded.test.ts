/** The fault matrix, a short round: an embedded receiver, on SQLite. */
import { describe } from "vitest";
import { testShortRound } from "./short-round.ts";

describe("what an embedded receiver acknowledged is stored once, after", () => {
  testShortRound("embedded", () => undefined);
});
