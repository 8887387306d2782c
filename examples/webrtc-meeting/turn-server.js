// A TURN server for the example, where coturn is installed (Debian: apt-get install coturn). A real one runs elsewhere, on a
// public address, with TLS.
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

/** Starts one, for this machine only. @returns nothing where there is no `turnserver` */
export async function startTurnServer(host, port = Number(process.env.TURN_PORT ?? 3478)) {
  const secret = randomBytes(16).toString("hex");
  const folder = mkdtempSync(join(tmpdir(), "webrtc-meeting-turn-"));
  const options = {
    "listening-ip": host,
    "listening-port": port,
    "relay-ip": ownAddress() ?? host,
    realm: "webrtc-meeting",
    "static-auth-secret": secret,
    pidfile: join(folder, "pid"),
    userdb: join(folder, "db"),
    "log-file": "stdout",
  };
  const flags = ["-n", "--use-auth-secret", "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls"];
  const given = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = spawn("turnserver", [...flags, ...given], { stdio: "ignore" });
  const failed = new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", resolve);
  });
  const stop = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", stop);
  if (!(await Promise.race([failed.then(() => false), listens(host, port)]))) {
    stop();
    return undefined;
  }
  return {
    stop,
    // Good for ten minutes, as coturn's `use-auth-secret` has it.
    credentials(participant) {
      const username = `${Math.floor(Date.now() / 1000) + 600}:${participant}`;
      const credential = createHmac("sha1", secret).update(username).digest("base64");
      return { urls: `turn:${host}:${port}?transport=udp`, username, credential };
    },
  };
}

function ownAddress() {
  return Object.values(networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

async function listens(host, port) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const connected = await new Promise((resolve) => {
      const socket = createConnection({ host, port });
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (connected) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
