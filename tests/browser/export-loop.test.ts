import { describe, expect, it } from "vitest";
import { ExportLoop, type ExportTransport } from "../../src/browser/export-loop.ts";
import { LONGEST_DELAY_MILLIS } from "../../src/browser/retry-delay.ts";
import { failure, type Result, retryable, success } from "../../src/model/result.ts";

/** A receiver that answers what it is told to. */
class FakeReceiver implements ExportTransport {
  connected = true;
  /** Whether a try would connect. */
  reachable = true;
  answer: Result<void> | Promise<Result<void>> = success(undefined);
  readonly sent: { value: number; compressed: boolean }[] = [];

  isConnected(): boolean {
    return this.connected;
  }

  async hurry(): Promise<void> {
    this.connected = this.reachable;
  }

  async send(body: Uint8Array, compressed: boolean): Promise<Result<void>> {
    this.sent.push({ value: body[0]!, compressed });
    return this.answer;
  }
}

/** A page with one number to export, and time in seconds. */
class Page {
  value = 0;
  acknowledged = 0;
  readonly receiver = new FakeReceiver();
  readonly loop = new ExportLoop({
    collect: async () => {
      const { value } = this;
      if (value === this.acknowledged) return undefined;
      return { body: Uint8Array.of(value), acknowledge: () => void (this.acknowledged = value) };
    },
    transport: this.receiver,
    emitThrottleMillis: 10_000,
    nowMillis: 0,
    random: () => 1,
  });

  async run(from: number, to: number, urgentAt?: number): Promise<void> {
    for (let second = from; second <= to; second += 1) {
      this.value += 1;
      await this.loop.tick(second * 1_000, second === urgentAt);
    }
  }
}

describe("the exports of a page", () => {
  it("are six a minute, with the value of then", async () => {
    const page = new Page();
    await page.run(1, 60);
    expect(page.receiver.sent.map(({ value }) => value)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(page.acknowledged).toBe(60);
  });

  it("come at once on something urgent", async () => {
    const page = new Page();
    await page.run(1, 9, 4);
    expect(page.receiver.sent.map(({ value }) => value)).toEqual([4]);
  });

  it("are nothing without a connection, and everything at once with the first", async () => {
    const page = new Page();
    page.receiver.connected = false;
    await page.run(1, 200);
    expect(page.receiver.sent).toEqual([]);
    page.receiver.connected = true;
    await page.run(201, 201);
    expect(page.receiver.sent.map(({ value }) => value)).toEqual([201]);
  });

  it("come with the first connection also where the bridge tells its interval at each", async () => {
    const page = new Page();
    page.receiver.connected = false;
    await page.run(1, 200);
    page.receiver.connected = true;
    page.loop.setThrottle(10_000);
    await page.run(201, 201);
    expect(page.receiver.sent.map(({ value }) => value)).toEqual([201]);
  });

  it("are never two at a time", async () => {
    const page = new Page();
    const { promise, resolve } = Promise.withResolvers<Result<void>>();
    page.receiver.answer = promise;
    page.value = 1;
    const first = page.loop.tick(10_000, false);
    await page.loop.tick(20_000, true);
    expect(page.receiver.sent).toHaveLength(1);
    resolve(success(undefined));
    await first;
    page.value = 2;
    await page.loop.tick(30_000, false);
    expect(page.receiver.sent).toHaveLength(2);
  });

  it("that fail for now are tried again, ever later, until they are taken", async () => {
    const page = new Page();
    page.receiver.answer = retryable("overloaded", "full");
    await page.run(1, 600);
    const tries = page.receiver.sent.map(({ value }) => value);
    expect(page.acknowledged).toBe(0);
    expect(tries[1]! - tries[0]!).toBeLessThan(10);
    expect(tries.at(-1)! - tries.at(-2)!).toBeGreaterThanOrEqual(LONGEST_DELAY_MILLIS / 1_000);
    page.receiver.answer = success(undefined);
    await page.run(601, 631);
    expect(page.acknowledged).toBeGreaterThanOrEqual(600);
  });

  it("that are refused for good are not repeated", async () => {
    const page = new Page();
    page.receiver.answer = failure("invalid", "no");
    page.value = 3;
    await page.loop.tick(10_000, false);
    await page.loop.tick(20_000, true);
    expect(page.receiver.sent).toHaveLength(1);
  });

  it("end with one whatever the throttle says, uncompressed", async () => {
    const page = new Page();
    await page.run(1, 13);
    await page.loop.exportLast(13_500);
    expect(page.receiver.sent).toEqual([
      { value: 10, compressed: true },
      { value: 13, compressed: false },
    ]);
  });

  it.each([true, false])("end with a try to get through where there is no connection: %s", async (reachable) => {
    const page = new Page();
    page.receiver.connected = false;
    page.receiver.reachable = reachable;
    await page.run(1, 13);
    await page.loop.finish(13_500);
    expect(page.receiver.sent).toEqual(reachable ? [{ value: 13, compressed: false }] : []);
  });
});
