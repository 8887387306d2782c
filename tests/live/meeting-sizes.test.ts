import { describe, expect, it } from "vitest";
import { meetingSizes } from "../../src/live/meeting-sizes.ts";
import { liveFigures } from "./live-figures.ts";

function sizesOf(participantsByMeeting: Record<string, number>, meetings = Object.keys(participantsByMeeting).length) {
  const participants = Object.values(participantsByMeeting).reduce((sum, users) => sum + users, 0);
  return meetingSizes(liveFigures(0, { webrtc: { participantsByMeeting, meetings, participants } }).webrtc);
}

describe("the sizes of meetings", () => {
  it("are grouped, and the largest are named, equal ones by name", () => {
    const { groups, largest, others, unnamed, mean } = sizesOf({ b: 2, a: 2, c: 5, d: 101, e: 1, f: 11 });
    expect(groups.map(({ meetings }) => meetings)).toEqual([1, 2, 1, 0, 1, 0, 1]);
    expect(largest.map(({ meeting }) => meeting)).toEqual(["d", "f", "c", "a", "b", "e"]);
    expect([others, unnamed, mean]).toEqual([0, 0, 122 / 6]);
  });

  it("of ten thousand meetings are all in a group, and ten are named", () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, 1 + (index % 130)]));
    const { groups, largest, others } = sizesOf(many);
    expect(groups.reduce((sum, { meetings }) => sum + meetings, 0)).toBe(10_000);
    expect([largest.length, others]).toEqual([10, 9990]);
  });

  it("tell how many meetings the receiver did not name", () => {
    const { unnamed, others } = sizesOf({ a: 9, b: 8 }, 10_000);
    expect([unnamed, others]).toEqual([9998, 9998]);
  });

  it("of no meetings are nothing", () => {
    const { groups, largest, mean } = sizesOf({});
    expect([groups.every(({ meetings }) => meetings === 0), largest, mean]).toEqual([true, [], 0]);
  });
});
