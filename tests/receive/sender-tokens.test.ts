import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { SenderTokens } from "../../src/receive/sender-tokens.ts";

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");
const OF_TENANTS = new Map([[digest("team-token"), "team"]]);

it("lets anyone send where there is no token at all", () => {
  expect(new SenderTokens(undefined).senderOf(undefined)).toEqual({ tenant: undefined });
});

it("tells the tenant of a tenant's token, and no tenant of the token of all", () => {
  const tokens = new SenderTokens("token-of-all", () => OF_TENANTS);
  expect(tokens.senderOf("Bearer team-token")).toEqual({ tenant: "team" });
  expect(tokens.senderOf("bearer  token-of-all")).toEqual({ tenant: undefined });
  for (const other of [
    undefined,
    "",
    "Bearer ",
    "Bearer other",
    "Basic team-token",
    `Bearer ${digest("team-token")}`,
  ]) {
    expect(tokens.senderOf(other)).toBeUndefined();
  }
});

it("asks for a token as soon as a tenant has one, and obeys the tokens of now", () => {
  let now: ReadonlyMap<string, string> = new Map();
  const tokens = new SenderTokens(undefined, () => now);
  expect([tokens.tellTenants, tokens.senderOf(undefined)]).toEqual([false, { tenant: undefined }]);
  now = OF_TENANTS;
  expect([tokens.tellTenants, tokens.senderOf(undefined)]).toEqual([true, undefined]);
  expect(tokens.senderOf("Bearer team-token")).toEqual({ tenant: "team" });
});
