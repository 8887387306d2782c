import { describe, expect, test } from "vitest";
import { SCENARIOS } from "./scenarios/all.ts";
import { documentedBounds } from "./scenarios/exactness-page.ts";
import { judge, valueOf, type Outcome, type Scenario } from "./scenarios/scenario.ts";

const groups = Map.groupBy(SCENARIOS, ({ group }) => group);

for (const [group, scenarios] of groups) {
  describe(`counts every byte: ${group}`, () => {
    for (const scenario of scenarios) {
      const name = scenario.bound === undefined ? scenario.name : `${scenario.name} (${scenario.bound.name})`;
      test.runIf(scenario.supported !== false)(name, async () => {
        const { faults } = judge(scenario, await scenario.run());
        expect(faults).toEqual([]);
      });
    }
  });
}

test("there is a scenario for every bound that is documented, and a line for every one that a scenario has", () => {
  const used = new Set(SCENARIOS.flatMap(({ bound }) => (bound === undefined ? [] : [bound.name])));
  expect([...used].toSorted()).toEqual([...documentedBounds()].toSorted());
});

test("no two scenarios of a group have the same name", () => {
  const names = SCENARIOS.map(({ group, name }) => `${group}: ${name}`);
  expect(new Set(names).size).toBe(names.length);
});

test("the judgement sees every figure that differs, and what a bound allows", () => {
  const io = { received: 10, transmitted: 20 };
  const truth = { bodies: [{ request: 1, response: 2 }], messages: io, connection: io };
  const outcome: Outcome = { truth, counted: truth, guessed: { request: 0, response: 0 }, faults: 0 };
  const scenario: Scenario = { group: "a", name: "b", run: async () => outcome };
  expect(judge(scenario, outcome).kind).toBe("exact");
  const short = { ...truth, bodies: [{ request: 1, response: 1 }] };
  expect(judge(scenario, { ...outcome, counted: short }).faults).toHaveLength(2);
  const bound = { name: "kernel-buffers", allowed: { responseBodies: [-1, 0] } } as const;
  expect(judge({ ...scenario, bound }, { ...outcome, counted: short }).kind).toBe("bounded");
  expect(judge({ ...scenario, bound }, { ...outcome, counted: { ...short, bodies: [] } }).kind).toBe("wrong");
  expect(
    judge(scenario, { ...outcome, counted: { ...truth, connection: { received: 9, transmitted: 20 } } }).kind,
  ).toBe("wrong");
  expect(judge(scenario, { ...outcome, faults: 1 }).kind).toBe("wrong");
  expect(valueOf(truth, "connectionTransmitted")).toBe(20);
});
