import { describe, expect, it } from "vitest";
import { describeRedisAddress, parseRedisAddress } from "../../src/log/redis-address.ts";
import { valueOf } from "../support/log-entries.ts";

const NOBODY = { user: undefined, password: undefined };

describe("parseRedisAddress", () => {
  it.each([
    ["redis://host", "server", [{ host: "host", port: 6379 }], false],
    ["rediss://10.0.0.1:7000", "server", [{ host: "10.0.0.1", port: 7000 }], true],
    ["redis://[::1]:7000", "server", [{ host: "::1", port: 7000 }], false],
    [
      "redis+cluster://a:1,b,[::1]:3",
      "cluster",
      [
        { host: "a", port: 1 },
        { host: "b", port: 6379 },
        { host: "::1", port: 3 },
      ],
      false,
    ],
    ["rediss+cluster://a:1", "cluster", [{ host: "a", port: 1 }], true],
    [
      "rediss+sentinel://a,b:2/main",
      "sentinel",
      [
        { host: "a", port: 26_379 },
        { host: "b", port: 2 },
      ],
      true,
    ],
  ])("reads the nodes of %s", (text, kind, nodes, tls) => {
    expect(valueOf(parseRedisAddress(text))).toMatchObject({ kind, nodes, tls });
  });

  it.each([
    ["redis://host", NOBODY],
    ["redis://:pass@host", { user: undefined, password: "pass" }],
    ["redis://u:p@:s@host", { user: "u", password: "p@:s" }],
    ["redis+cluster://us%3Aer:p%40ss%2F@a,b", { user: "us:er", password: "p@ss/" }],
  ])("reads who we are in %s", (text, credentials) => {
    expect(valueOf(parseRedisAddress(text)).credentials).toEqual(credentials);
  });

  it("reads the number of the database, the name of the primary, and who we are to Sentinels", () => {
    expect(valueOf(parseRedisAddress("redis://host/3"))).toMatchObject({ database: 3, primaryName: "" });
    const read = valueOf(
      parseRedisAddress("redis+sentinel://u:p@a,b/my%20master/2?sentinel_user=s&sentinel_password=t%3D"),
    );
    expect(read).toMatchObject({
      database: 2,
      primaryName: "my master",
      credentials: { user: "u", password: "p" },
      sentinelCredentials: { user: "s", password: "t=" },
    });
    expect(valueOf(parseRedisAddress("redis+sentinel://a/m")).sentinelCredentials).toEqual(NOBODY);
  });

  it.each([
    ["http://host", "a redis://, rediss://, redis+cluster:// or redis+sentinel:// address"],
    ["redis://", "as node 1"],
    ["redis+cluster://a:1,,b", "as node 2"],
    ["redis+cluster://a:1,b:70000", "as node 2"],
    ["redis+cluster://a:0", "as node 1"],
    ["redis://a,b", "one host, or redis+cluster://"],
    ["redis+cluster://a/1", "a cluster has one alone"],
    ["redis+sentinel://a,b", "the name that the Sentinels give the primary"],
    ["redis+sentinel://a/m/x", "the number of a database"],
    ["redis://a/x", "the number of a database"],
    ["redis://u:secret%zz@a", "each special character as %XX"],
    ["redis://a?family=6", "no options behind a ?"],
    ["redis+sentinel://a/m?sentinel_pass=secret", "no options behind a ?"],
  ])("says what is wrong with %s and nothing of its secrets", (text, reason) => {
    const read = parseRedisAddress(text);
    expect(read).toMatchObject({ kind: "failure", code: "invalid" });
    expect(read.kind === "failure" && read.reason).toContain(reason);
    expect(JSON.stringify(read)).not.toContain("secret");
  });
});

describe("describeRedisAddress", () => {
  it.each([
    ["rediss://u:secret@host:1/2", "host:1/2"],
    ["redis://[::1]", "[::1]:6379"],
    ["redis+cluster://u:secret@a:1,b:2", "the cluster of a:1, b:2"],
    ["redis+sentinel://u:secret@a,b/main?sentinel_password=secret", "main, by the Sentinels a:26379, b:26379"],
  ])("shows %s as %s", (text, shown) => {
    expect(describeRedisAddress(valueOf(parseRedisAddress(text)))).toBe(shown);
  });
});
