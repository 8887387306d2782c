import { describe, expect, it } from "vitest";
import { CURRENT_MILLIS, INITIAL_STATE, isCurrent, nextState } from "../../src/live/page-state.ts";
import { liveFigures } from "./live-figures.ts";

const view = liveFigures(5000);
const live = nextState(INITIAL_STATE, { kind: "view", view, receivedAtMillis: 100 });

describe("the page", () => {
  it("calls figures current until three requests are overdue", () => {
    expect(isCurrent(INITIAL_STATE, 0)).toBe(false);
    expect(isCurrent(live, 100 + CURRENT_MILLIS)).toBe(true);
    expect(isCurrent(live, 101 + CURRENT_MILLIS)).toBe(false);
  });

  it("keeps the last figures while the receiver is out of reach, but does not call them current", () => {
    const lost = nextState(live, { kind: "unreachable", reason: "gone" });
    expect([lost.view, lost.reason, isCurrent(lost, 100)]).toEqual([view, "gone", false]);
    const back = nextState(lost, { kind: "view", view, receivedAtMillis: 200 });
    expect([back.reason, isCurrent(back, 200)]).toEqual(["", true]);
  });

  it("forgets the figures when its token is no longer accepted", () => {
    const locked = nextState(live, { kind: "unauthorised", tokenGiven: true, reason: "expired" });
    expect([locked.view, locked.tokenRejected, locked.reason]).toEqual([undefined, true, "expired"]);
    expect(locked.recentViews).toEqual([]);
    expect(nextState(live, { kind: "unauthorised", tokenGiven: false, reason: "" }).tokenRejected).toBe(false);
  });
});
