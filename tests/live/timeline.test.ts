import { describe, expect, it } from "vitest";
import { INITIAL_STATE, nextState, type PageState } from "../../src/live/page-state.ts";
import { hasHttpTraffic, hasParticipants, timelineOf } from "../../src/live/timeline.ts";
import { historyStep, liveFigures, liveHistoryOf } from "./live-figures.ts";

const T = 1_000_000_000;

function stateOf(
  history: ReturnType<typeof liveHistoryOf> | undefined,
  views: ReturnType<typeof liveFigures>[],
): PageState {
  const withHistory = history ? nextState(INITIAL_STATE, { kind: "history", history }) : INITIAL_STATE;
  return views.reduce(
    (state, view) => nextState(state, { kind: "view", view, receivedAtMillis: view.at }),
    withHistory,
  );
}

describe("the timeline", () => {
  it("has the history's steps, then the views after the last of them", () => {
    const history = liveHistoryOf([
      historyStep(T, { requestsPerSecond: 10, errorsPerSecond: 1 }),
      historyStep(T + 5000, { requestsPerSecond: 20 }),
    ]);
    const views = [T + 4000, T + 7000].map((at) =>
      liveFigures(at, { http: { requestsPerSecond: 30, errorRatio: 0.5 } }),
    );
    expect(
      timelineOf(stateOf(history, views)).map(({ at, requestsPerSecond, errorRatio }) => [
        at - T,
        requestsPerSecond,
        errorRatio,
      ]),
    ).toEqual([
      [0, 10, 0.1],
      [5000, 20, 0],
      [7000, 30, 0.5],
    ]);
  });

  it("drops views once the history has their time", () => {
    const before = stateOf(undefined, [liveFigures(T + 1000), liveFigures(T + 9000)]);
    const after = nextState(before, { kind: "history", history: liveHistoryOf([historyStep(T + 5000)]) });
    expect(timelineOf(after).map(({ at }) => at - T)).toEqual([5000, 9000]);
  });

  it("has a hole where nothing came for three steps, and none before that", () => {
    const history = liveHistoryOf([historyStep(T), historyStep(T + 15_000), historyStep(T + 30_001)]);
    const points = timelineOf(stateOf(history, []));
    expect(points.map(({ requestsPerSecond }) => requestsPerSecond)).toEqual([0, 0, null, 0]);
    expect(points.map(({ at }) => at - T)).toEqual([0, 15_000, 22_500, 30_001]);
  });

  it("goes back five minutes and no further", () => {
    const history = liveHistoryOf([historyStep(T - 300_000), historyStep(T - 299_000), historyStep(T)]);
    expect(timelineOf(stateOf(history, [])).filter(({ requestsPerSecond }) => requestsPerSecond !== null)).toHaveLength(
      2,
    );
  });

  it("keeps no more views than five minutes have, and begins anew when the receiver's clock was set back", () => {
    const many = stateOf(
      undefined,
      Array.from({ length: 500 }, (_, index) => liveFigures(T + index * 2000)),
    );
    expect(many.recentViews).toHaveLength(150);
    const back = nextState(many, { kind: "view", view: liveFigures(T - 1000), receivedAtMillis: 0 });
    expect(back.recentViews.map(({ at }) => at)).toEqual([T - 1000]);
  });

  it("holds percentiles from one export to the next while requests go on, and no longer", () => {
    const [seen, none] = [
      { p50: 0.1, p95: 0.2, p99: 0.3 },
      { p50: null, p95: null, p99: null },
    ];
    const history = liveHistoryOf([
      historyStep(T, { requestsPerSecond: 1, latencySeconds: none }),
      historyStep(T + 5000, { requestsPerSecond: 1, latencySeconds: seen }),
      historyStep(T + 10_000, { requestsPerSecond: 1, latencySeconds: none }),
      historyStep(T + 15_000, { requestsPerSecond: 0, latencySeconds: none }),
      historyStep(T + 20_000, { requestsPerSecond: 1, latencySeconds: none }),
    ]);
    expect(timelineOf(stateOf(history, [])).map(({ p95 }) => p95)).toEqual([null, 0.2, 0.2, null, null]);
  });

  it("tells no error ratio without requests, and no loss without participants", () => {
    const [point] = timelineOf(stateOf(undefined, [liveFigures(T)]));
    expect([point!.errorRatio, point!.packetLossRatio, point!.participants]).toEqual([null, null, 0]);
  });

  it("takes a history of a receiver that keeps no WebRTC figures", () => {
    const { webrtc: _, ...step } = historyStep(T, { bytesInPerSecond: 1 });
    const [point] = timelineOf({ ...INITIAL_STATE, history: { stepMillis: 5000, steps: [step] } });
    expect([point!.bytesInPerSecond, point!.participants]).toEqual([1, null]);
  });

  it("knows whether there was anything to see", () => {
    expect(hasHttpTraffic([])).toBe(false);
    expect(hasHttpTraffic(timelineOf(stateOf(liveHistoryOf([historyStep(T)]), [])))).toBe(false);
    expect(hasHttpTraffic(timelineOf(stateOf(liveHistoryOf([historyStep(T, { bytesOutPerSecond: 1 })]), [])))).toBe(
      true,
    );
    const meeting = [liveFigures(T, { webrtc: { participants: 2 } })];
    expect(hasParticipants(timelineOf(stateOf(undefined, meeting)))).toBe(true);
    expect(hasParticipants(timelineOf(stateOf(undefined, [liveFigures(T)])))).toBe(false);
  });
});
