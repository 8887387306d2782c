import { expect, it } from "vitest";
import { Participants } from "../../src/bridge/participants.ts";
import { walkMetrics } from "../../src/otlp/walk-metrics.ts";

const LIMITS = { maxEventsPerMinute: 10, maxSeries: 10, maxConnections: 2, maxAbsent: 2 };
const ANN = { meeting: "m", participant: "ann" };

class Connection {
  replaced = false;
  replace(): void {
    this.replaced = true;
  }
}

it("who comes back a moment later is the same participant", () => {
  const participants = new Participants(LIMITS, walkMetrics, 1);
  const connection = new Connection();
  const ann = participants.join(ANN, undefined, connection);
  participants.leave(ann, connection);
  participants.leave(ann, connection);
  expect(participants.count).toBe(0);
  expect(participants.join(ANN, undefined, new Connection())).toBe(ann);
  expect(participants.count).toBe(1);
});

it("the same name in another meeting is another participant", () => {
  const participants = new Participants(LIMITS, walkMetrics, 1);
  const ann = participants.join(ANN, undefined, new Connection());
  expect(participants.join({ meeting: "n", participant: "ann" }, undefined, new Connection())).not.toBe(ann);
  expect(participants.join({ meeting: 'm","ann', participant: "" }, undefined, new Connection())).not.toBe(ann);
});

it("the same name of another tenant is another participant, with limits and connections of their own", () => {
  const participants = new Participants(LIMITS, walkMetrics, 1);
  const connections = Array.from({ length: 6 }, () => new Connection());
  const joined = connections.map((one, at) => participants.join(ANN, [undefined, "shop", "bank"][at % 3], one));
  expect(new Set(joined).size).toBe(3);
  expect(joined.map(({ tenant }) => tenant).slice(0, 3)).toEqual([undefined, "shop", "bank"]);
  expect(connections.some(({ replaced }) => replaced)).toBe(false);
  participants.leave(joined[1]!, connections[1]!);
  participants.leave(joined[4]!, connections[4]!);
  expect(participants.count).toBe(2);
  expect(participants.join(ANN, "shop", new Connection())).toBe(joined[1]);
});

it("one connection too many replaces the oldest, and that one's leaving changes nothing", () => {
  const participants = new Participants(LIMITS, walkMetrics, 1);
  const connections = [new Connection(), new Connection(), new Connection()] as const;
  const [ann] = connections.map((connection) => participants.join(ANN, undefined, connection));
  expect(connections.map(({ replaced }) => replaced)).toEqual([true, false, false]);
  participants.leave(ann!, connections[0]);
  expect([ann!.connections.size, participants.count]).toEqual([2, 1]);
});

it("those who left longest ago are forgotten", () => {
  const participants = new Participants(LIMITS, walkMetrics, 1);
  const left = ["a", "b", "c"].map((participant) => {
    const connection = new Connection();
    const joined = participants.join({ meeting: "m", participant }, undefined, connection);
    participants.leave(joined, connection);
    return joined;
  });
  const again = left.map(({ identity }) => participants.join(identity, undefined, new Connection()));
  expect(again.map((participant, index) => participant === left[index])).toEqual([false, true, true]);
});
