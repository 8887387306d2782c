/** Sends a round of bodies over keep-alive connections, and again what was answered with 503. */
import { Agent, request } from "node:http";

/** Where and how a round is sent. */
export interface SendOptions {
  /** `http://127.0.0.1:4318/v1/metrics`. */
  readonly url: string;
  readonly connections: number;
  /** No request is begun later than this. */
  readonly maxMillis: number;
  /** At most so many are begun in a second; as many as go when absent. */
  readonly requestsPerSecond?: number;
}

/** What came of a round. */
export interface SendResult {
  /** Bodies answered with 200. */
  readonly accepted: number;
  /** Answers of 503; each was sent again. */
  readonly overloaded: number;
  /** Other answers and broken connections, by status or error code; none was sent again. */
  readonly failed: Readonly<Record<string, number>>;
  /** 200 answers with a `partial_success` that is not empty: something in them was refused. */
  readonly partial: number;
  readonly seconds: number;
}

/** How long to wait before sending again; servers ask for a second, a bench waits less. */
const RESEND_MILLIS = 100;

/** The Collector answers success with an empty `partial_success`, two bytes. */
const EMPTY_ANSWER_BYTES = 2;

/** Sends the bodies in order over the connections, each body until it is accepted. Never rejects. */
export async function sendRound(bodies: readonly Uint8Array[], options: SendOptions): Promise<SendResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const start = performance.now();
  const deadline = start + options.maxMillis;
  let next = 0;
  let accepted = 0;
  let overloaded = 0;
  let partial = 0;
  const failed: Record<string, number> = {};

  async function sender(): Promise<void> {
    while (next < bodies.length) {
      const body = bodies[next]!;
      const dueMillis = options.requestsPerSecond === undefined ? 0 : (next * 1000) / options.requestsPerSecond;
      next += 1;
      const early = start + dueMillis - performance.now();
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
      let answer = await post(agent, options.url, body);
      while (answer.status === "503" && performance.now() < deadline) {
        overloaded += 1;
        await new Promise((resolve) => setTimeout(resolve, RESEND_MILLIS));
        answer = await post(agent, options.url, body);
      }
      if (answer.status === "200") {
        accepted += 1;
        if (answer.length > EMPTY_ANSWER_BYTES) partial += 1;
      } else {
        failed[answer.status] = (failed[answer.status] ?? 0) + 1;
      }
      if (performance.now() > deadline) return;
    }
  }

  await Promise.all(Array.from({ length: options.connections }, sender));
  agent.destroy();
  return { accepted, overloaded, partial, failed, seconds: (performance.now() - start) / 1000 };
}

function post(agent: Agent, url: string, body: Uint8Array): Promise<{ status: string; length: number }> {
  return new Promise((resolve) => {
    const headers = {
      "content-type": "application/x-protobuf",
      "content-encoding": "gzip",
      "content-length": body.length,
    };
    const sent = request(url, { agent, method: "POST", headers }, (response) => {
      let length = 0;
      response.on("data", (chunk: Buffer) => (length += chunk.length));
      response.on("end", () => resolve({ status: String(response.statusCode), length }));
      response.on("error", (error) => resolve({ status: error.message, length: 0 }));
    });
    sent.on("error", (error) => resolve({ status: error.message, length: 0 }));
    sent.end(body);
  });
}
