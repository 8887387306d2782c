/**
 * Checks that the servers can listen, by listening for a moment.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { messageOf } from "../../model/result.ts";
import type { ReceiverSettings } from "../settings.ts";
import { fail, ok, warn, type Check } from "./check.ts";

const PROBE_TIMEOUT_MILLIS = 2000;

interface Listener {
  readonly setting: "OTLP" | "OTLP_GRPC" | "BRIDGE";
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** A path of ours, and how it is known by its answer to GET; undefined where there is none. */
  readonly path: string | undefined;
  readonly status: number;
}

/** One check for each port. */
export async function portChecks(settings: ReceiverSettings): Promise<readonly Check[]> {
  const secure = settings.tlsCertFile !== undefined;
  const { otlpHost, otlpPort, otlpGrpcPort, bridgeHost, bridgePort } = settings;
  const listeners: Listener[] = [
    { setting: "OTLP", host: otlpHost, port: otlpPort, secure, path: "/v1/metrics", status: 405 },
    { setting: "BRIDGE", host: bridgeHost, port: bridgePort, secure, path: "/healthz", status: 200 },
  ];
  if (otlpGrpcPort !== undefined) {
    listeners.push({ setting: "OTLP_GRPC", host: otlpHost, port: otlpGrpcPort, secure, path: undefined, status: 0 });
  }
  const clash = firstClash(listeners);
  return clash === undefined ? Promise.all(listeners.map(portCheck)) : [clash];
}

function firstClash(listeners: readonly Listener[]): Check | undefined {
  for (const [at, { setting, host, port }] of listeners.entries()) {
    const other = listeners.slice(0, at).find((one) => one.port === port && port !== 0 && one.host === host);
    if (other) return fail("ports", `${other.setting}_PORT and ${setting}_PORT are both ${port}: give each its own`);
  }
  return undefined;
}

async function portCheck(listener: Listener): Promise<Check> {
  const { setting, host, port } = listener;
  const subject = `${setting}_PORT`;
  const fault = await listenFault(host, port);
  if (fault === undefined) return ok(subject, port === 0 ? `any free port of ${host}` : `${host}:${port} is free`);
  if (fault.code !== "EADDRINUSE") return fail(subject, `cannot listen on ${host}:${port}: ${remedy(setting, fault)}`);
  if (listener.path === undefined) {
    return warn(subject, `${host}:${port} is in use; whether by a receiver that is running cannot be told over gRPC`);
  }
  if (await isOurs(listener)) return warn(subject, `${host}:${port} is in use by a receiver that is running`);
  return fail(subject, `${host}:${port} is in use by another program: end it, or set another ${subject}`);
}

function listenFault(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function remedy(setting: Listener["setting"], error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EACCES":
      return `this user may not (ports below 1024 are the administrator's); set another ${setting}_PORT`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `it is no address of this machine; correct ${setting === "BRIDGE" ? "BRIDGE" : "OTLP"}_HOST`;
    default:
      return messageOf(error);
  }
}

function isOurs({ host, port, secure, path = "/", status }: Listener): Promise<boolean> {
  return new Promise((resolve) => {
    // Whose certificate it is does not matter: nothing is told to whoever answers.
    const send = secure ? httpsRequest : httpRequest;
    const request = send({ host, port, path, timeout: PROBE_TIMEOUT_MILLIS, agent: false, rejectUnauthorized: false });
    request.once("response", (response) => {
      response.resume();
      resolve(response.statusCode === status);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
    request.end();
  });
}
