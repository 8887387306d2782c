/** A private haproxy before receivers, as a team would put one there: round-robin, health by `/readyz`, WebSockets too. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acceptsConnections } from "./accepts-connections.ts";
import { endsWithUs } from "./ends-with-us.ts";
import { freePort } from "./free-port.ts";
import { findProgram } from "./mariadb-server.ts";

/** The ports of one receiver behind it. */
export interface ProxiedReceiver {
  readonly otlpPort: number;
  readonly bridgePort: number;
}

/** A haproxy of our own. */
export interface Haproxy {
  readonly pid: number;
  /** OTLP/HTTP, over all receivers that are ready. */
  readonly otlpPort: number;
  /** Pages, admins and the live view, over all receivers that are ready. */
  readonly bridgePort: number;
  /** OTLP requests that each receiver answered with 2xx, by its number. */
  answered(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

const READY_MILLIS = 10_000;
const ASK_MILLIS = 2000;

/** The configuration; `folder`: where its socket is. */
function configuration(ports: ProxiedReceiver, receivers: readonly ProxiedReceiver[], folder: string): string {
  const servers = (port: (receiver: ProxiedReceiver) => number): string =>
    receivers
      .map((receiver, at) => `  server receiver-${at} 127.0.0.1:${port(receiver)} check port ${receiver.bridgePort}`)
      .join("\n");
  return `global
  stats socket ${folder}/admin.sock mode 600
defaults
  mode http
  balance roundrobin
  option httpchk GET /readyz
  option redispatch
  timeout connect 1s
  timeout client 30s
  timeout server 15s
  timeout tunnel 1h
  timeout check 1s
  # A receiver that is not ready gets nothing more, and who is connected to it is sent elsewhere.
  default-server inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions
listen otlp
  bind 127.0.0.1:${ports.otlpPort}
${servers(({ otlpPort }) => otlpPort)}
listen bridge
  bind 127.0.0.1:${ports.bridgePort}
${servers(({ bridgePort }) => bridgePort)}
`;
}

/** Starts one and resolves when it listens. Rejects when there is no `haproxy` to run. */
export async function startHaproxy(receivers: readonly ProxiedReceiver[]): Promise<Haproxy> {
  const folder = await mkdtemp(join(tmpdir(), "otel-bandwidth-haproxy-"));
  const ports = { otlpPort: await freePort(), bridgePort: await freePort() };
  const file = join(folder, "haproxy.cfg");
  await writeFile(file, configuration(ports, receivers, folder));
  const child = spawn((await findProgram("haproxy")) ?? "haproxy", ["-db", "-f", file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  endsWithUs(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => (output = (output + text.toString()).slice(-4000)));
  }
  const ended = new Promise<never>((_resolve, reject) => {
    child.once("error", (error) => reject(new Error(`tests need haproxy: ${error.message}`)));
    child.once("exit", (code) => reject(new Error(`haproxy ended (${code}): ${output}`)));
  });
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.race([ended, acceptsConnections(ports.bridgePort, READY_MILLIS)]);
  } catch (error) {
    await stop();
    throw error;
  }
  const answered = async (): Promise<readonly number[]> =>
    answeredByReceiver(await ask(join(folder, "admin.sock"), "show stat"), receivers.length);
  return { pid: child.pid!, ...ports, answered, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await exited;
}

/** What haproxy says to a command. */
async function ask(path: string, command: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    let text = "";
    socket.setTimeout(ASK_MILLIS, () => socket.destroy(new Error("haproxy does not answer")));
    socket.once("error", reject);
    socket.on("data", (bytes: Buffer) => (text += bytes.toString()));
    socket.once("end", () => resolve(text));
    socket.write(`${command}\n`);
  });
}

/** Reads the statistics, which are lines of CSV below one of names. */
function answeredByReceiver(statistics: string, receivers: number): readonly number[] {
  const [head = "", ...lines] = statistics.split("\n");
  const column = head.split(",").indexOf("hrsp_2xx");
  const counts = Array.from({ length: receivers }, () => 0);
  for (const line of lines) {
    const cells = line.split(",");
    const at = /^receiver-(\d+)$/.exec(cells[1] ?? "")?.[1];
    if (cells[0] === "otlp" && at !== undefined) counts[Number(at)] = Number(cells[column]);
  }
  return counts;
}
