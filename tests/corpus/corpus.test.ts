/**
 * Whatever is sent: an answer that the OTLP specification has for it, never a 5xx; the process lives in bounded memory; the
 * totals are unchanged by what was refused; the next good batch is stored exactly.
 */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMPRESSED_BODIES } from "./compressed-bodies.ts";
import type { HostileBody } from "./hostile-body.ts";
import { HOSTILE_EXCHANGES } from "./hostile-exchanges.ts";
import { HostileReceiver } from "./hostile-receiver.ts";
import { JSON_BODIES } from "./json-bodies.ts";
import { PROTOBUF_BODIES } from "./protobuf-bodies.ts";
import { NAMES, VALUE_BODIES } from "./value-bodies.ts";

let receiver: HostileReceiver;
let slow: SlowSenders;
beforeAll(async () => {
  receiver = await HostileReceiver.start();
  // They stay while everything else is sent.
  slow = new SlowSenders(receiver.port);
});
afterAll(async () => {
  slow.end();
  await receiver.stop();
});

const SLOW_SENDERS = 300;

/** Connections that say nothing, and connections that drip their headers. */
class SlowSenders {
  readonly #sockets: Socket[] = [];
  readonly #answers: Promise<string>[] = [];

  constructor(port: number) {
    for (let index = 0; index < SLOW_SENDERS; index += 1) {
      const socket = connect(port, "127.0.0.1");
      this.#sockets.push(socket);
      socket.on("error", () => undefined);
      if (index % 2 === 0) continue;
      this.#answers.push(
        new Promise((resolve) => {
          let answer = "";
          socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
          socket.once("close", () => resolve(answer.slice(0, 12)));
        }),
      );
      socket.write("POST /v1/metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    }
  }

  /** What those were answered that had begun a request. */
  async answers(): Promise<ReadonlySet<string>> {
    return new Set(await Promise.all(this.#answers));
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Some bodies keep a receiver busy for seconds, on a busy machine for longer. */
const PATIENCE_MILLIS = 120_000;

describe.each<[string, readonly HostileBody[]]>([
  ["compressed bodies", COMPRESSED_BODIES],
  ["protobuf bodies", PROTOBUF_BODIES],
  ["JSON bodies", JSON_BODIES],
  ["values", VALUE_BODIES],
])("hostile %s", (_kind, cases) => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", { timeout: PATIENCE_MILLIS }, async (_name, one) => {
    const answer = await receiver.send(one.body(receiver.times()), one.contentType, one.encoding);
    expect(one.answers).toContain(answer.status);
    receiver.expectAdded(one.adds);
    if (one.rejected !== undefined && one.contentType === undefined) {
      expect(receiver.rejected(answer)).toBe(one.rejected);
    }
    await receiver.sendGood();
  });

  test("and the totals are exact", { timeout: PATIENCE_MILLIS }, async () => {
    await receiver.expectExact();
    receiver.expectModest();
  });
});

describe("hostile connections", () => {
  test.each(HOSTILE_EXCHANGES.map((one) => [one.name, one] as const))(
    "%s",
    { timeout: PATIENCE_MILLIS },
    async (_name, one) => {
      expect(await receiver.exchange(one.write(receiver.times()))).toEqual(one.answers);
      receiver.expectAdded(one.adds);
      await receiver.sendGood();
    },
  );

  test(
    "hundreds that drip their headers are cut off, and none of them kept the others out",
    { timeout: PATIENCE_MILLIS },
    async () => {
      expect(await slow.answers()).toEqual(new Set(["HTTP/1.1 503"]));
      await receiver.sendGood();
    },
  );

  test("and the totals are exact", { timeout: PATIENCE_MILLIS }, async () => {
    await receiver.expectExact();
    receiver.expectModest();
  });
});

test("names are stored as they came", () => {
  const services = receiver.query("SELECT DISTINCT hex(service) AS service FROM series").map((row) => row["service"]);
  const known = new Set(services.map((hex) => Buffer.from(String(hex), "hex").toString()));
  for (const name of NAMES) expect(known).toContain(name === "" ? "unknown_service" : name);
});
