import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type GenerateKeyPairResult, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authoriseAdmin, TokenKeys } from "../../src/bridge/token-keys.ts";
import { FakeClock } from "../support/fake-clock.ts";

const NOW_MILLIS = 1_800_000_000_000;
const NOW_SECONDS = NOW_MILLIS / 1000;
const SECRET = "a secret of the tests, long enough";
const CLAIMS = { meeting: "m", participant: "p", role: "participant", exp: NOW_SECONDS + 60 };

const clock = new FakeClock(NOW_MILLIS);
const withSecret = new TokenKeys({ secret: SECRET, clock });

function signed(claims: JWTPayload, secret: string = SECRET, alg: string = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

const refused = (reason: string) => ({ kind: "failure", code: "unauthenticated", reason });

describe("a token by a secret", () => {
  it("says who sends and until when", async () => {
    expect(await withSecret.verify(await signed(CLAIMS))).toEqual({
      kind: "success",
      value: {
        role: "participant",
        identity: { meeting: "m", participant: "p" },
        expiresAtMillis: NOW_MILLIS + 60_000,
      },
    });
  });

  it("is a participant's when it names no role", async () => {
    const { role: _, ...claims } = CLAIMS;
    expect(await withSecret.verify(await signed(claims))).toMatchObject({ value: { role: "participant" } });
  });

  it("may name the tenant that its metrics are of", async () => {
    expect(await withSecret.verify(await signed({ ...CLAIMS, tenant: "team" }))).toMatchObject({
      value: { tenant: "team" },
    });
    const issued = await withSecret.issue({
      meeting: "m",
      participant: "p",
      tenant: "team",
      role: "participant",
      expiresInSeconds: 60,
    });
    expect(await withSecret.verify(issued)).toMatchObject({ value: { tenant: "team" } });
  });

  it("of an admin may name nobody, and only an admin's lets see the figures", async () => {
    const token = await signed({ role: "admin", exp: CLAIMS.exp });
    expect(await authoriseAdmin(withSecret, token)).toMatchObject({ value: { role: "admin", identity: undefined } });
    expect(await authoriseAdmin(withSecret, await signed(CLAIMS))).toEqual(refused("the token's role is not admin"));
  });

  it.each<[string, JWTPayload, string]>([
    ["has expired", { ...CLAIMS, exp: NOW_SECONDS }, "the token has expired"],
    ["is not valid yet", { ...CLAIMS, nbf: NOW_SECONDS + 10 }, "the token's nbf is missing or wrong"],
    ["never expires", { meeting: "m", participant: "p" }, "the token's exp is missing or wrong"],
    ["has another role", { ...CLAIMS, role: "owner" }, "the token's role is neither participant nor admin"],
    ["names no meeting", { ...CLAIMS, meeting: "" }, "the token's meeting is not a text of 1 to 128 characters"],
    ["names no tenant", { ...CLAIMS, tenant: "" }, "the token's tenant is not a text of 1 to 128 characters"],
    [
      "names a tenant, and is an admin's",
      { role: "admin", tenant: "team", exp: CLAIMS.exp },
      "the token names a tenant and has the role admin, which sees all tenants",
    ],
    [
      "names a tenant, and is an admin's who takes part",
      { ...CLAIMS, role: "admin", tenant: "team" },
      "the token names a tenant and has the role admin, which sees all tenants",
    ],
    [
      "names its tenant by a number",
      { ...CLAIMS, tenant: 7 },
      "the token's tenant is not a text of 1 to 128 characters",
    ],
    [
      "names a meeting that would be cut",
      { ...CLAIMS, meeting: "m".repeat(129) },
      "the token's meeting is not a text of 1 to 128 characters",
    ],
    [
      "names its participant by a number",
      { ...CLAIMS, participant: 7 },
      "the token's participant is not a text of 1 to 128 characters",
    ],
  ])("that %s is refused", async (_what, claims, reason) => {
    expect(await withSecret.verify(await signed(claims))).toEqual(refused(reason));
  });

  it.each<[string, () => Promise<string>]>([
    ["by another secret", () => signed(CLAIMS, "another secret of the tests, as long")],
    ["by another algorithm", () => signed(CLAIMS, SECRET.repeat(2), "HS512")],
    ["by nobody", async () => new UnsecuredJWT(CLAIMS).encode()],
    ["that was changed", async () => `${await signed(CLAIMS)}x`],
  ])("that is signed %s is refused", async (_what, make) => {
    expect(await withSecret.verify(await make())).toEqual(refused("the token is not valid"));
  });

  it("is made by the secret, for as long as was asked", async () => {
    const token = await withSecret.issue({ meeting: "m", participant: "p", role: "admin", expiresInSeconds: 90 });
    expect(await withSecret.verify(token)).toMatchObject({
      value: { role: "admin", identity: { meeting: "m", participant: "p" }, expiresAtMillis: NOW_MILLIS + 90_000 },
    });
  });
});

describe("a token by a key of a set", () => {
  let server: Server;
  let url: string;
  let pair: GenerateKeyPairResult;
  let withSet: TokenKeys;
  let answer: (path: string) => { readonly status: number; readonly body: string };

  beforeAll(async () => {
    pair = await generateKeyPair("ES256");
    const keys = [{ ...(await exportJWK(pair.publicKey)), kid: "one", alg: "ES256", use: "sig" }];
    answer = () => ({ status: 200, body: JSON.stringify({ keys }) });
    server = createServer(({ url: path }, response) => {
      const { status, body } = path === "/keys" ? answer(path) : { status: 500, body: "broken" };
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    withSet = new TokenKeys({ jwksUrl: `${url}/keys`, clock });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const signedByKey = (kid: string = "one"): Promise<string> =>
    new SignJWT(CLAIMS).setProtectedHeader({ alg: "ES256", kid }).sign(pair.privateKey);

  it("is taken", async () => {
    expect(await withSet.verify(await signedByKey())).toMatchObject({ kind: "success" });
  });

  it("is refused when the set does not have the key", async () => {
    expect(await withSet.verify(await signedByKey("two"))).toEqual(refused("the token's key is not known"));
  });

  it("is never one whose secret is the public key", async () => {
    const publicText = JSON.stringify(await exportJWK(pair.publicKey));
    expect(await withSet.verify(await signed(CLAIMS, publicText))).toMatchObject({ code: "unauthenticated" });
  });

  it("may be one by the secret where both are set, and the secret takes no other algorithm", async () => {
    const both = new TokenKeys({ secret: SECRET, jwksUrl: `${url}/keys`, clock });
    expect(await both.verify(await signed(CLAIMS))).toMatchObject({ kind: "success" });
    expect(await both.verify(await signedByKey())).toMatchObject({ kind: "success" });
    expect(await both.verify(await signed(CLAIMS, SECRET.repeat(2), "HS512"))).toMatchObject({ kind: "failure" });
  });

  it("may be shown again when the set cannot be had", async () => {
    const broken = new TokenKeys({ jwksUrl: `${url}/broken`, clock });
    expect(await broken.verify(await signedByKey())).toMatchObject({ kind: "retryable", code: "unavailable" });
    const nobody = new TokenKeys({ jwksUrl: "http://127.0.0.1:1/keys", clock });
    expect(await nobody.verify(await signedByKey())).toMatchObject({ kind: "retryable", code: "unavailable" });
  });

  it("cannot be made by us", async () => {
    await expect(withSet.issue({ role: "admin", expiresInSeconds: 1 })).rejects.toThrow("there is no secret");
  });
});
