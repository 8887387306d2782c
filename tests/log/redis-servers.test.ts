import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectRedis } from "../../src/log/redis-inspection.ts";
import { systemClock } from "../../src/model/clock.ts";
import { makeCertificate, type TestCertificate } from "../support/certificate.ts";
import { freePort } from "../support/free-port.ts";
import { valueOf } from "../support/log-entries.ts";
import { askRedis } from "../support/redis-ask.ts";
import { startRedisServer, testedProgram, type RedisServer } from "../support/redis-server.ts";

let folder: string;
let certificate: TestCertificate;
let tlsPort: number;
/** A cluster of one node, which speaks TLS on another port. */
let node: RedisServer;
let alone: RedisServer;
beforeAll(async () => {
  const { folder: data, root } = testedProgram();
  const seen = (path: string): string => `/${relative(root, path)}`;
  folder = await mkdtemp(join(data, "otel-bandwidth-redis-tls-"));
  certificate = makeCertificate(folder, "redis");
  tlsPort = await freePort();
  node = await startRedisServer({
    "cluster-enabled": "yes",
    "cluster-port": String(await freePort()),
    "tls-cluster": "yes",
    "tls-port": String(tlsPort),
    "tls-cert-file": seen(certificate.certFile),
    "tls-key-file": seen(certificate.keyFile),
    "tls-ca-cert-file": seen(certificate.certFile),
    "tls-auth-clients": "no",
    user: "receiver on >secret ~otel-bandwidth:* +@all",
  });
  expect(await askRedis(node.port, "CLUSTER ADDSLOTSRANGE 0 16383")).toBe("+OK");
  while ((await askRedis(node.port, "CLUSTER INFO"))?.includes("cluster_state:ok") !== true);
  alone = await startRedisServer();
});
afterAll(async () => {
  await Promise.all([node?.remove(), alone?.remove()]);
  await rm(folder, { recursive: true, force: true });
});

describe("a Redis", () => {
  it("is reached over TLS, by its authority and as a user, and led on to its TLS port", async () => {
    const url = `rediss+cluster://receiver:secret@127.0.0.1:${tlsPort}`;
    const certificateAuthority = readFileSync(certificate.certFile, "utf8");
    const { primaries } = valueOf(
      await inspectRedis({ url, certificateAuthority, clock: systemClock, shards: [0, 1] }),
    );
    expect(primaries).toMatchObject([
      { place: `127.0.0.1:${tlsPort}`, permissions: { user: "receiver", missing: [] } },
    ]);
  });

  it.each<readonly [string, () => string, string]>([
    ["whose certificate nobody vouches for", () => `rediss://127.0.0.1:${tlsPort}`, "set REDIS_CA_FILE"],
    ["in a cluster that does not know us", () => `redis+cluster://receiver:x@127.0.0.1:${node.port}`, "is wrong"],
    ["that is in no cluster", () => `redis+cluster://127.0.0.1:${alone.port}`, "this Redis is not in a cluster"],
    ["that is no Sentinel", () => `redis+sentinel://127.0.0.1:${alone.port}/main`, "no Sentinel listens there"],
  ])("%s is told from one that is away", async (_name, url, reason) => {
    expect(await inspectRedis({ url: url(), clock: systemClock, timeoutMillis: 2000 })).toMatchObject({
      kind: "retryable",
      reason: expect.stringContaining(reason) as string,
    });
  });

  it("that is a node of a cluster and is named as if it were alone is a finding", async () => {
    const { findings } = valueOf(await inspectRedis({ url: node.url, clock: systemClock }));
    expect(findings.map(({ setting }) => setting)).toContain("cluster_enabled");
  });
});
