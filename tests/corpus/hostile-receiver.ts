/** The receiver that the corpus is sent to: a process of its own, as it is installed, with totals that are read from SQL. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, Agent } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { ResponseType } from "../otlp/otlp-proto.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedColumnSums } from "../support/totals.ts";
import type { CaseTimes } from "./hostile-body.ts";
import { point, requestOf, service, sumMetric } from "./wire.ts";

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** What a receiver may take under these attacks: 768 MiB: a hundred thousand attribute sets are known by then. */
const MAX_RESIDENT_BYTES = 768 * 1024 * 1024;

/** A running receiver. */
export class HostileReceiver {
  readonly port: number;
  readonly directory: string;
  readonly #command: RunningCommand;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #added: Record<string, bigint> = {};
  #lastNanos = 0n;
  #goodTotal = 0n;
  readonly #goodStart: bigint;

  private constructor(port: number, directory: string, command: RunningCommand) {
    this.port = port;
    this.directory = directory;
    this.#command = command;
    this.#goodStart = this.times().start;
  }

  static async start(): Promise<HostileReceiver> {
    const directory = mkdtempSync(join(tmpdir(), "otel-bandwidth-hostile-"));
    const port = await freePort();
    const command = startCommand([], {
      DATA_DIR: directory,
      OTLP_PORT: String(port),
      BRIDGE_PORT: String(await freePort()),
      METRICS_PROCESS_INTERVAL: "50",
      METRICS_PERSIST_INTERVAL: "200",
    });
    await command.printed(/log in /);
    return new HostileReceiver(port, directory, command);
  }

  /** Times that no other case has, about now. */
  times(): CaseTimes {
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#lastNanos = (now > this.#lastNanos ? now : this.#lastNanos) + 10_000n;
    return { start: this.#lastNanos, time: this.#lastNanos + 1000n };
  }

  /** Notes what the totals must have gained. */
  expectAdded(adds: Readonly<Record<string, bigint>> = {}): void {
    for (const [column, amount] of Object.entries(adds)) this.#added[column] = (this.#added[column] ?? 0n) + amount;
  }

  /** Posts a body. */
  send(body: Uint8Array | string, contentType = "application/x-protobuf", encoding = "identity"): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": contentType, "content-encoding": encoding };
      const options = {
        host: "127.0.0.1",
        port: this.port,
        path: "/v1/metrics",
        method: "POST",
        agent: this.#agent,
        headers,
      };
      const sent = httpRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks) }));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Writes to a connection of its own and gives the statuses that came back before its end. */
  exchange(text: Uint8Array | string): Promise<number[]> {
    return new Promise((resolve) => {
      let answer = "";
      const socket = connect(this.port, "127.0.0.1");
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
      // A receiver that has answered may cut off what is still being written.
      socket.on("error", () => undefined);
      socket.on("close", () =>
        resolve([...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))),
      );
      socket.write(text);
    });
  }

  /** Sends a good batch, which must be taken whatever came before. */
  async sendGood(): Promise<void> {
    this.#goodTotal += 1000n;
    const body = requestOf(sumMetric([point(this.#goodStart, this.times().time, this.#goodTotal)]), [service("good")]);
    const answer = await this.send(body);
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    this.expectAdded({ wire_bytes_in: 1000n });
  }

  /** What the answer to a protobuf request says was rejected. */
  rejected(answer: Answer): number {
    const { partialSuccess } = ResponseType.toObject(ResponseType.decode(answer.body), { longs: Number }) as {
      partialSuccess?: { rejectedDataPoints?: number };
    };
    return partialSuccess?.rejectedDataPoints ?? 0;
  }

  /** The totals are what was added, to the byte, and nothing is in quarantine. */
  async expectExact(): Promise<void> {
    await expect.poll(() => embeddedColumnSums(this.directory), { timeout: 60_000 }).toEqual(this.#added);
    expect(this.query("SELECT reason, COUNT(*) FROM ingest_quarantine GROUP BY reason")).toEqual([]);
  }

  /** What a service's bytes in add up to. */
  bytesOf(name: string): number {
    const sql =
      "SELECT COALESCE(SUM(wire_bytes_in), 0) AS bytes FROM metrics_daily JOIN series USING (series_id) WHERE service = ?";
    return Number(this.query(sql, name)[0]?.["bytes"]);
  }

  /** Good bytes sent so far. */
  get goodTotal(): number {
    return Number(this.#goodTotal);
  }

  query(sql: string, ...values: readonly string[]): Record<string, unknown>[] {
    const database = new DatabaseSync(join(this.directory, "bandwidth.db"), { readOnly: true });
    try {
      return database.prepare(sql).all(...values);
    } finally {
      database.close();
    }
  }

  /** The process is alive and has never held more than the goal. Bytes at its peak, 0 where there is no /proc. */
  expectModest(): number {
    expect(this.#command.child.exitCode).toBe(null);
    const peak = peakResidentBytes(this.#command.child.pid!);
    expect(peak).toBeLessThan(MAX_RESIDENT_BYTES);
    return peak;
  }

  /** Ends it in order and gives what it printed to standard error. */
  async stop(): Promise<string> {
    this.#agent.destroy();
    const { code, stderr } = await this.#command.stop();
    rmSync(this.directory, { recursive: true, force: true });
    expect(code).toBe(0);
    return stderr;
  }
}

function peakResidentBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
