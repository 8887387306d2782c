import { expect, it } from "vitest";
import { isOriginAllowed } from "../../src/bridge/origin-check.ts";

const APP = "https://app.example.com";

it.each<[string, string | undefined, string | undefined, readonly string[], boolean]>([
  ["no origin: not a browser", undefined, "bridge.example.com", [], true],
  ["no origin, whatever is named", undefined, "bridge.example.com", [APP], true],
  ["the same host", "http://127.0.0.1:4320", "127.0.0.1:4320", [], true],
  ["the same host behind a proxy that ends TLS", "https://bridge.example.com", "bridge.example.com", [], true],
  ["the same host with the port written out", "https://bridge.example.com", "bridge.example.com:443", [], true],
  ["another port", "http://127.0.0.1:8080", "127.0.0.1:4320", [], false],
  ["another host", APP, "bridge.example.com", [], false],
  ["no host", APP, undefined, [], false],
  ["a page without an origin of its own", "null", "bridge.example.com", [], false],
  ["a file", "file://", "bridge.example.com", [], false],
  ["one that is named", APP, "bridge.example.com", ["https://other.example.com", APP], true],
  ["one that is not named", "https://evil.example.com", "bridge.example.com", [APP], false],
  ["one that begins like one that is named", `${APP}.evil.com`, "bridge.example.com", [APP], false],
  ["the same host when others are named", "https://bridge.example.com", "bridge.example.com", [APP], false],
  ["any, where any may", "https://evil.example.com", "bridge.example.com", ["*"], true],
])("%s", (_what, origin, host, allowed, expected) => {
  const headers = { ...(origin === undefined ? {} : { origin }), ...(host === undefined ? {} : { host }) };
  expect(isOriginAllowed(headers, allowed)).toBe(expected);
});
