import { expect, it } from "vitest";
import { isLoopbackHost } from "../../src/bridge/loopback-host.ts";

it.each([
  undefined,
  "",
  ":4320",
  "localhost:",
  "localhost:123456",
  "localhost/",
  "127.0.0",
  "[::1",
  "::1",
  "[::2]",
  "0.0.0.0",
])("%s does not name loopback", (host) => expect(isLoopbackHost(host)).toBe(false));
