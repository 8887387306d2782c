import { beforeEach, describe, expect, it } from "vitest";
import type { LiveEvent } from "../../src/live/live-source.ts";
import { POLL_INTERVAL_MILLIS, PollingSource } from "../../src/live/polling-source.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { historyStep, liveFigures, liveHistoryOf } from "./live-figures.ts";

const history = liveHistoryOf([historyStep(0)]);
const view = liveFigures(1000);

/** A response whose body is there with the next promise, unlike that of a real one: the fake clock waits for promises only. */
function respond(body: unknown, { status = 200 } = {}): Response {
  return { status, ok: status < 300, json: async () => body } as Response;
}

let clock: FakeClock;
let asked: { path: string; authorization: string | undefined }[];
let events: LiveEvent[];
/** What the receiver does with a request. */
let answer: (path: string, signal: AbortSignal) => Promise<Response>;
let source: PollingSource;

beforeEach(() => {
  clock = new FakeClock(1_000_000);
  asked = [];
  events = [];
  answer = async (path) => respond(path === "api/live" ? view : history);
  source = sourceWith();
});

function sourceWith(token?: string): PollingSource {
  return new PollingSource({
    clock,
    token,
    fetch: (path, { headers, signal }) => {
      asked.push({ path, authorization: headers["authorization"] });
      return answer(path, signal);
    },
  });
}

async function start(): Promise<void> {
  source.start((event) => void events.push(event));
  await settled();
}

const kinds = (): string[] => events.map(({ kind }) => kind);
const paths = (): string[] => asked.map(({ path }) => path.replace("api/", ""));

describe("the polling source", () => {
  it("tells the last minutes and what is now at once, then what is new every two seconds", async () => {
    await start();
    expect(events).toEqual([
      { kind: "history", history },
      { kind: "view", view, receivedAtMillis: 1_000_000 },
    ]);
    await clock.advance(POLL_INTERVAL_MILLIS - 1);
    expect(asked).toHaveLength(2);
    await clock.advance(1);
    expect(events.at(-1)).toEqual({ kind: "view", view, receivedAtMillis: 1_002_000 });
  });

  it("reads the history again every fifth time, for the round trips", async () => {
    await start();
    await clock.advance(5 * POLL_INTERVAL_MILLIS);
    expect(paths()).toEqual(["live/history", "live", "live", "live", "live", "live", "live/history", "live"]);
  });

  it("says why nothing can be had, asks less and less often, and begins with the history when it is back", async () => {
    await start();
    answer = async () => respond({ error: "Redis cannot be reached" }, { status: 503 });
    await clock.advance(POLL_INTERVAL_MILLIS);
    expect(events.at(-1)).toEqual({ kind: "unreachable", reason: "Redis cannot be reached" });
    answer = () => Promise.reject(new TypeError("fetch failed"));
    const times: number[] = [];
    for (let second = 0; second < 40; second += 1) {
      const before = asked.length;
      await clock.advance(1000);
      if (asked.length > before) times.push(second + 1);
    }
    expect(times).toEqual([2, 6, 14, 24, 34]);
    expect(events.at(-1)).toEqual({ kind: "unreachable", reason: "the receiver cannot be reached" });
    answer = async (path) => respond(path === "api/live" ? view : history);
    await clock.advance(4000);
    expect(kinds().slice(-2)).toEqual(["history", "view"]);
    await clock.advance(POLL_INTERVAL_MILLIS);
    expect(paths().at(-1)).toBe("live");
  });

  it("takes no page of a proxy for figures", async () => {
    const json = (): Promise<never> => Promise.reject(new SyntaxError("not JSON"));
    answer = async () => Object.assign(respond(undefined), { json });
    await start();
    expect(kinds()).toEqual(["unreachable"]);
  });

  it("gives up on an answer that does not come", async () => {
    answer = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    await start();
    await clock.advance(4999);
    expect(events).toEqual([]);
    await clock.advance(1);
    expect(events).toEqual([{ kind: "unreachable", reason: "the receiver did not answer in time" }]);
  });

  it.each(["{}", "[]", "null", `{"at":1,"http":null,"webrtc":{},"alerts":[]}`])(
    "does not take %s for figures",
    async (body) => {
      answer = async () => respond(JSON.parse(body));
      await start();
      expect(kinds()).toEqual(["unreachable"]);
    },
  );

  it.each([401, 403])(
    "asks for a token when the answer is %d, waits, and goes on with the one it gets",
    async (status) => {
      const open = answer;
      answer = async () => respond({ error: "expected a bearer token" }, { status });
      await start();
      expect(events).toEqual([{ kind: "unauthorised", tokenGiven: false, reason: "expected a bearer token" }]);
      await clock.advance(60_000);
      expect(asked).toHaveLength(2);
      source.setToken("wrong");
      await settled();
      expect(events.at(-1)).toEqual({ kind: "unauthorised", tokenGiven: true, reason: "expected a bearer token" });
      answer = open;
      source.setToken("right");
      await settled();
      expect(asked.at(-1)).toEqual({ path: "api/live", authorization: "Bearer right" });
      expect(kinds().slice(-2)).toEqual(["history", "view"]);
    },
  );

  it("sends the token it begins with", async () => {
    source = sourceWith("kept");
    await start();
    expect(asked.map(({ authorization }) => authorization)).toEqual(["Bearer kept", "Bearer kept"]);
  });

  it("rests while nobody looks, tells nothing that was still under way, and begins with the history afterwards", async () => {
    await start();
    let release: () => void = () => undefined;
    answer = (path) =>
      new Promise((resolve) => (release = () => resolve(respond(path === "api/live" ? view : history))));
    await clock.advance(POLL_INTERVAL_MILLIS);
    source.pause();
    const told = events.length;
    release();
    await clock.advance(60_000);
    expect([events.length, asked.length]).toEqual([told, 3]);
    answer = async (path) => respond(path === "api/live" ? view : history);
    source.resume();
    source.resume();
    await settled();
    expect(paths().slice(3)).toEqual(["live/history", "live"]);
  });
});
