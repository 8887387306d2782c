import { once } from "node:events";
import { createServer } from "node:https";
import { connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { HttpSizeInstrumentation } from "../../src/http/index.ts";
import { close } from "./support/counted-server.ts";
import { MetricBench } from "./support/metric-bench.ts";
import { parseResponses } from "./support/wire-messages.ts";

/** A pre-shared key instead of certificates: nothing secret to keep in the repository, nothing that expires. */
const psk = Buffer.from("0123456789abcdef0123456789abcdef");
const PSK_OPTIONS = { ciphers: "PSK-AES256-GCM-SHA384", maxVersion: "TLSv1.2" } as const;
const TLS_RECORD_BYTES = 16_384;
const GET = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

interface TlsClient {
  readonly tcp: Socket;
  readonly tls: TLSSocket;
  readonly received: Buffer[];
}

async function tlsServer(handler: RequestListener) {
  const metrics = new MetricBench();
  const instrumentation = new HttpSizeInstrumentation();
  instrumentation.setMeterProvider(metrics.provider);
  const server = createServer({ ...PSK_OPTIONS, pskCallback: () => psk }, handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    metrics,
    async [Symbol.asyncDispose]() {
      await close(server);
      instrumentation.disable();
    },
  };
}

async function tlsClient(port: number): Promise<TlsClient> {
  const tcp = connectTcp(port, "127.0.0.1");
  const tls = connect({
    ...PSK_OPTIONS,
    socket: tcp,
    pskCallback: () => ({ psk, identity: "test" }),
    checkServerIdentity: () => undefined,
  });
  tls.on("error", () => {});
  const received: Buffer[] = [];
  await once(tls, "secureConnect");
  return { tcp, tls, received };
}

test("counts clear text in bodies and messages, the wire in connection totals", async () => {
  await using app = await tlsServer((_request, response) => response.end("x".repeat(100_000)));
  const { tcp, tls, received } = await tlsClient(app.port);
  tls.on("data", (data: Buffer) => received.push(data));
  tls.write(GET);
  await once(tls, "close");
  const bytes = Buffer.concat(received);
  const [reading] = await app.metrics.settled(1);
  expect(reading).toMatchObject({ value: 100_000, attributes: { "url.scheme": "https" } });
  expect(await app.metrics.total("bandwidth.http.server.io", "receive")).toBe(GET.length);
  expect(await app.metrics.total("bandwidth.http.server.io", "transmit")).toBe(bytes.length);
  const transmitted = await app.metrics.total("bandwidth.http.server.connection.io", "transmit");
  expect(await app.metrics.total("bandwidth.http.server.connection.io", "receive")).toBeLessThanOrEqual(
    tcp.bytesWritten,
  );
  expect(await app.metrics.total("bandwidth.http.server.connection.io", "receive")).toBeGreaterThan(GET.length);
  expect(tcp.bytesRead - transmitted, "at most the closing alert is missing").toBeLessThan(64);
  expect(transmitted).toBeGreaterThan(bytes.length);
});

test("a response that is cut short counts what left, within one TLS record", async () => {
  await using app = await tlsServer((_request, response) => {
    response.end(Buffer.alloc(60_000_000));
    setImmediate(() => setImmediate(() => response.destroy()));
  });
  const { tls, received } = await tlsClient(app.port);
  tls.pause();
  tls.write(GET);
  const [reading] = await app.metrics.settled(1);
  tls.on("data", (data: Buffer) => received.push(data)).resume();
  await once(tls, "close");
  const [response] = parseResponses(Buffer.concat(received), ["GET"]);
  expect(response?.complete).toBe(false);
  expect(reading?.attributes["error.type"]).toBe("aborted");
  expect(response?.bodyBytes).toBeGreaterThan(TLS_RECORD_BYTES);
  expect(Math.abs((reading?.value ?? 0) - (response?.bodyBytes ?? 0))).toBeLessThanOrEqual(TLS_RECORD_BYTES);
});
