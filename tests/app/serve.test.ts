import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bridgeSocket, connected } from "../support/bridge-client.ts";
import { makeCertificate } from "../support/certificate.ts";
import { type RunningCommand, runCommand, startCommand } from "../support/command.ts";
import { startMariadb } from "../support/mariadb-server.ts";
import { otlpRequest } from "../support/otlp-request.ts";
import { nowNanos, postMetric, postMetrics, receivedBytes } from "../support/send-metrics.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { embeddedColumnSums } from "../support/totals.ts";

let folder: string;
const running: RunningCommand[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-serve-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((command) => command.stop("SIGKILL")));
  rmSync(folder, { recursive: true, force: true });
});

interface Served {
  readonly command: RunningCommand;
  readonly otlp: string;
  readonly live: string;
}

async function serve(environment: Readonly<Record<string, string>> = {}): Promise<Served> {
  const command = startCommand([], { DATA_DIR: folder, OTLP_PORT: "0", BRIDGE_PORT: "0", ...environment });
  running.push(command);
  const [, otlp] = await command.printed(/OTLP at (\S+)\/v1\/metrics/);
  const [, live] = await command.printed(/live at (\S+)\/api\/live /);
  await command.printed(/log in /);
  return { command, otlp: otlp!, live: live! };
}

it("says where it listens and stores, and on SIGTERM persists what it acknowledged and ends with 0", async () => {
  // Only the stop can persist: the interval is an hour.
  const { command, otlp, live } = await serve({ METRICS_PERSIST_INTERVAL: "3600000" });
  expect(otlp).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${live}/readyz`)).status).toBe(200);
  expect((await fetch(`${live}/healthz`)).status).toBe(200);
  const start = nowNanos();
  expect((await postMetric(otlp, receivedBytes(1000n, start))).status).toBe(200);
  expect((await postMetric(otlp, receivedBytes(2500n, start))).status).toBe(200);
  const { code, stdout, stderr } = await command.stop();
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`log in SQLite in ${folder}, totals in SQLite at ${join(folder, "bandwidth.db")}`);
  expect(stdout).toContain("SIGTERM: stopping");
  expect(await embeddedColumnSums(folder)).toEqual({ wire_bytes_in: 2500n });
});

it("prints tokens for this run where no key is set, and none where one is", async () => {
  const { command, live } = await serve();
  const [, page] = await command.printed(/a page's token, for a day: (\S+)/);
  const [, admin] = await command.printed(/an admin's token, for a day: (\S+)/);
  for (const [namespace, token] of [
    ["/webrtc", page],
    ["/admin", admin],
  ] as const) {
    const socket = bridgeSocket(live, namespace, token);
    await connected(socket);
    socket.disconnect();
  }
  await command.stop();
  const secret = "a secret of the tests, long enough";
  const { command: second } = await serve({ BRIDGE_JWT_SECRET: secret });
  const { stdout } = await second.stop();
  expect(stdout).not.toContain("token");
  expect(stdout).not.toContain(secret);
});

it("asks for an admin's token off loopback", async () => {
  const { command, live } = await serve({ BRIDGE_HOST: "0.0.0.0", BRIDGE_JWT_SECRET: "s".repeat(32) });
  const origin = live.replace("0.0.0.0", "127.0.0.1");
  const { status, body } = await fetch(`${origin}/api/live`).then(async (answer) => ({
    status: answer.status,
    body: await answer.json(),
  }));
  expect([status, body]).toEqual([401, { error: "there is no token" }]);
  const { stdout } = await runCommand(["token", "--role", "admin"], { BRIDGE_JWT_SECRET: "s".repeat(32) });
  const headers = { authorization: `Bearer ${stdout.trim()}` };
  expect((await fetch(`${origin}/api/live`, { headers })).status).toBe(200);
  await command.stop();
});

it("ends with 1 and a clear line when a port is in use", async () => {
  const { otlp } = await serve();
  const { port } = new URL(otlp);
  const environment = { DATA_DIR: join(folder, "second"), OTLP_PORT: port, BRIDGE_PORT: "0" };
  const { code, stdout, stderr } = await runCommand(["serve"], environment);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(new RegExp(`^otel-bandwidth: .*address already in use 127\\.0\\.0\\.1:${port}\n$`));
});

it("refuses a folder that another receiver uses, and names that receiver", async () => {
  const { command } = await serve();
  const { code, stderr } = await runCommand(["serve"], { DATA_DIR: folder, OTLP_PORT: "0", BRIDGE_PORT: "0" });
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(
      `^otel-bandwidth: ${folder} is in use by process ${command.child.pid} on .*; end it, or set another DATA_DIR\n$`,
    ),
  ]);
});

function certificateNameOf(origin: string): Promise<string | undefined> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    // Nothing is sent; only the certificate is looked at.
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      resolve(Array.isArray(CN) ? CN[0] : CN);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

it("serves TLS on both ports and reads the certificate again on SIGHUP, keeping the old one when the new is unusable", async () => {
  const first = makeCertificate(folder, "server", "first");
  const second = makeCertificate(folder, "renewed", "second");
  const { command, otlp, live } = await serve({ TLS_CERT_FILE: first.certFile, TLS_KEY_FILE: first.keyFile });
  expect([new URL(otlp).protocol, new URL(live).protocol]).toEqual(["https:", "https:"]);
  const names = (): Promise<unknown> => Promise.all([certificateNameOf(otlp), certificateNameOf(live)]);
  expect(await names()).toEqual(["first", "first"]);
  copyFileSync(second.certFile, first.certFile);
  command.child.kill("SIGHUP");
  await command.printed(/SIGHUP: kept the old certificates, .*mismatch/);
  expect(await names()).toEqual(["first", "first"]);
  copyFileSync(second.keyFile, first.keyFile);
  command.child.kill("SIGHUP");
  await command.printed(/SIGHUP: read the certificates again/);
  expect(await names()).toEqual(["second", "second"]);
  expect((await command.stop()).code).toBe(0);
});

it("ends at once, saying why, where the certificate is not the key's", async () => {
  const first = makeCertificate(folder, "server", "first");
  const second = makeCertificate(folder, "other", "second");
  const settings = { DATA_DIR: folder, OTLP_PORT: "0", BRIDGE_PORT: "0", REDIS_URL: "redis://127.0.0.1:1" };
  const { code, stderr } = await runCommand([], {
    ...settings,
    TLS_CERT_FILE: first.certFile,
    TLS_KEY_FILE: second.keyFile,
  });
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/server\S* and \S*other\S* are no certificate and its key: .*mismatch/),
  ]);
});

it("reads the tenants again on SIGHUP, keeping what it had when the file is wrong, and does not start with a wrong one", async () => {
  const file = join(folder, "tenants.json");
  writeFileSync(file, '{"team":{"tokens":["token-of-team"]}}');
  const { command, otlp } = await serve({ TENANTS_FILE: file });
  const statuses = async (...tokens: string[]): Promise<number[]> => {
    const body = otlpRequest([{ metrics: [receivedBytes(1n, nowNanos())] }]);
    const answers = tokens.map((token) => postMetrics(otlp, body, { authorization: `Bearer ${token}` }));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  expect(await statuses("token-of-team", "another-token")).toEqual([200, 401]);
  writeFileSync(file, '{"team":{"maxSeries":-1}}');
  command.child.kill("SIGHUP");
  await command.printed(/SIGHUP: kept the old tenants, TENANTS_FILE: "team"\.maxSeries/);
  expect(await statuses("token-of-team", "another-token")).toEqual([200, 401]);
  writeFileSync(file, '{"team":{"tokens":["another-token"]}}');
  command.child.kill("SIGHUP");
  await command.printed(/SIGHUP: read the tenants again/);
  expect(await statuses("token-of-team", "another-token")).toEqual([401, 200]);
  expect((await command.stop()).code).toBe(0);
  writeFileSync(file, "[]");
  const { code, stderr } = await runCommand([], { DATA_DIR: folder, TENANTS_FILE: file });
  expect([code, stderr]).toEqual([
    1,
    "otel-bandwidth: TENANTS_FILE: expected an object with a member for each tenant\n",
  ]);
});

it("answers 503 and stores nothing with METRICS_ENABLED=false", async () => {
  const { command, otlp, live } = await serve({ METRICS_ENABLED: "false" });
  const answer = await postMetric(otlp, receivedBytes(1n, nowNanos()));
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  const ready = await fetch(`${live}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { error: "METRICS_ENABLED is false" }]);
  const { code, stdout } = await command.stop();
  expect([code, stdout]).toEqual([0, expect.stringContaining("METRICS_ENABLED is false: nothing is accepted")]);
});

it("heeds signals while it starts, although SQL does not answer", async () => {
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve());
  await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const environment = { DATA_DIR: folder, OTLP_PORT: "0", BRIDGE_PORT: "0" };
  const command = startCommand([], { ...environment, MYSQL_URL: `mysql://test@127.0.0.1:${port}/totals` });
  running.push(command);
  await asked.promise;
  command.child.kill("SIGHUP");
  await command.printed(/SIGHUP: read the certificates again/);
  const { code, stdout } = await command.stop("SIGTERM");
  silent.close();
  expect([code, stdout]).toEqual([0, expect.stringContaining("SIGTERM: stopping")]);
  // It did not come that far before.
  expect(stdout).not.toContain("OTLP at");
});

it("is not ready and takes nothing in before SQL can be reached, then is and does", async () => {
  const sql = await startMariadb();
  const url = new URL(await sql.createDatabase());
  const proxy = await startTcpProxy(Number(url.port));
  proxy.replies("cut");
  url.port = String(proxy.port);
  const { command, otlp, live } = await serve({ MYSQL_URL: url.href });
  expect((await fetch(`${live}/readyz`)).status).toBe(503);
  expect((await fetch(`${live}/healthz`)).status).toBe(200);
  expect((await postMetric(otlp, receivedBytes(1n, nowNanos()))).status).toBe(503);
  proxy.replies("pass");
  await expect.poll(async () => (await fetch(`${live}/readyz`)).status, { timeout: 15_000 }).toBe(200);
  expect((await postMetric(otlp, receivedBytes(1n, nowNanos()))).status).toBe(200);
  const { code, stderr } = await command.stop();
  await Promise.all([proxy.close(), sql.stop()]);
  expect(code).toBe(0);
  expect(stderr).toContain("otel-bandwidth: migrations: ");
});
