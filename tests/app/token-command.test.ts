import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { TokenKeys } from "../../src/bridge/token-keys.ts";
import { systemClock } from "../../src/model/clock.ts";
import { runCommand } from "../support/command.ts";

const SECRET = "a secret of the tests, long enough";

function token(args: string, environment: Readonly<Record<string, string>> = { BRIDGE_JWT_SECRET: SECRET }) {
  return runCommand(["token", ...args.split(" ").filter((arg) => arg !== "")], environment);
}

describe("otel-bandwidth token", () => {
  it("prints a token that the bridge takes, for an hour", async () => {
    const { code, stdout, stderr } = await token("--meeting standup --participant ann");
    expect([code, stderr]).toEqual([0, ""]);
    const keys = new TokenKeys({ secret: SECRET, clock: systemClock });
    expect(await keys.verify(stdout.trim())).toMatchObject({
      value: { role: "participant", identity: { meeting: "standup", participant: "ann" } },
    });
    const { iat, exp } = decodeJwt(stdout);
    expect(exp! - iat!).toBe(3600);
  });

  it("makes an admin's for as long as is asked, which names nobody", async () => {
    const { stdout } = await token("--role admin --expires-in 7d");
    const { iat, exp, ...claims } = decodeJwt(stdout);
    expect([exp! - iat!, claims]).toEqual([7 * 86_400, { role: "admin" }]);
  });

  it.each([
    ["", "the token's meeting is not a text of 1 to 128 characters: give --meeting and --participant"],
    ["--meeting m", "the token's participant is not a text of 1 to 128 characters"],
    ["--meeting m --participant p --role owner", '--role: expected participant or admin (got "owner")'],
    ["--meeting m --participant p --expires-in 1y", "--expires-in: expected a time from 1s to 3650d"],
    ["--meeting m --participant p --expires-in 0s", "--expires-in: expected a time from 1s to 3650d"],
    ["--role admin --tenant shop", "--tenant: an admin sees the figures of all tenants: there is no admin of one"],
    ["--meeting m --participant p --sign", "Unknown option '--sign'"],
  ])("refuses %j with a clear error", async (args, message) => {
    const { code, stdout, stderr } = await token(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  it.each<[string, Record<string, string>, string]>([
    ["no secret", {}, "BRIDGE_JWT_SECRET is not set: set the one that the receiver has, 32 characters or more"],
    ["a short secret", { BRIDGE_JWT_SECRET: "short" }, "BRIDGE_JWT_SECRET: expected 32 characters or more"],
    ["a key set alone", { BRIDGE_JWKS_URL: "https://id.example.com/keys" }, "only whoever has its private keys"],
  ])("refuses with %s", async (_what, environment, message) => {
    const { code, stdout, stderr } = await token("--meeting m --participant p", environment);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('(got "short")');
  });
});
