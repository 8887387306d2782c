/**
 * `otel-bandwidth serve`: runs the receiver until a signal asks it to stop.
 */
import { parseArgs } from "node:util";
import { messageOf } from "../model/result.ts";
import { commandSettings } from "./command-settings.ts";
import { createReceiver, type Listening, type Receiver } from "./receiver.ts";

/** What is left of the 10 s after a signal when the process ends whatever is still under way. */
const STOP_DEADLINE_MILLIS = 9500;

/** Runs the receiver. Resolves with the exit code: 0 after a signal, 1 when stopping took too long. */
export async function serve(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  commandSettings();
  const receiver = createReceiver();
  const signal = nextSignal();
  process.on("SIGHUP", () => reload(receiver));
  const beginning = begin(receiver, signal);
  const isStarted = await Promise.race([beginning.then(() => true), signal.then(() => false)]);
  print(`${await signal}: stopping`);
  const code = await stopInTime(receiver);
  // Nothing is left to do, and what starting waits for would keep the process: a server that does not answer.
  if (!isStarted) process.exit(code);
  return code;
}

/** Starts, and says how; says nothing more once a signal has come. */
async function begin(receiver: Receiver, signal: Promise<string>): Promise<void> {
  let isOver = false;
  void signal.then(() => (isOver = true));
  try {
    const listening = await receiver.start();
    if (isOver) return;
    announce(receiver, listening);
    await announceTrial(receiver);
    const warnings = await receiver.warnings();
    if (isOver) return;
    for (const warning of warnings) print(`not durable: ${warning}`);
  } catch (error) {
    if (!isOver) throw error;
  }
}

function announce({ settings, storage }: Receiver, { otlpPort, otlpGrpcPort, bridgePort }: Listening): void {
  const scheme = settings.tlsCertFile === undefined ? "http" : "https";
  print(`OTLP at ${scheme}://${hostText(settings.otlpHost)}:${otlpPort}/v1/metrics (protobuf and JSON)`);
  if (otlpGrpcPort !== undefined) print(`OTLP/gRPC at ${hostText(settings.otlpHost)}:${otlpGrpcPort}`);
  const bridge = `${scheme}://${hostText(settings.bridgeHost)}:${bridgePort}`;
  print(`live page at ${bridge}/`);
  print(`live at ${bridge}/api/live (also /metrics, /healthz, /readyz)`);
  print(`pages connect to ${bridge} (Socket.IO, /webrtc and /admin)`);
  print(`log in ${storage.log}, totals in ${storage.totals}`);
  if (!settings.metricsEnabled) print("METRICS_ENABLED is false: nothing is accepted, senders are answered 503");
}

/** Without keys there are tokens for this run, so that a page can be tried at once. */
async function announceTrial(receiver: Receiver): Promise<void> {
  const access = await receiver.trialAccess();
  if (access === undefined) return;
  print(`BRIDGE_JWT_SECRET is not set; until the next start it is ${access.secret}`);
  print(`a page's token, for a day: ${access.participantToken}`);
  print(`an admin's token, for a day: ${access.adminToken}`);
}

function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

function reload(receiver: Receiver): void {
  tryAgain("certificates", () => receiver.reloadCertificates());
  if (receiver.settings.tenantsFile !== undefined) tryAgain("tenants", () => receiver.reloadTenants());
}

function tryAgain(what: string, read: () => void): void {
  try {
    read();
    print(`SIGHUP: read the ${what} again`);
  } catch (error) {
    print(`SIGHUP: kept the old ${what}, ${messageOf(error)}`);
  }
}

async function stopInTime(receiver: Receiver): Promise<number> {
  const late = setTimeout(() => {
    print("stopping took too long; what is in the log is folded at the next start");
    process.exit(1);
  }, STOP_DEADLINE_MILLIS);
  await receiver.stop();
  clearTimeout(late);
  return 0;
}

function print(line: string): void {
  process.stdout.write(`otel-bandwidth: ${line}\n`);
}
