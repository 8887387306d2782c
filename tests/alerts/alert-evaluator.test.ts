/** Alerts fire once, recover once, and survive whatever happens to receivers and to SQL. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_OPEN_ALERTS } from "../../src/alerts/alert-evaluator.ts";
import { ALERT_RULES, DEFAULT_ALERT_SETTINGS } from "../../src/alerts/alert-rules.ts";
import type { AlertRow } from "../../src/model/alert-store.ts";
import { describeAlertStore } from "../contract/alert-store.ts";
import { MemoryAlertStore } from "../support/memory-alert-store.ts";
import { AlertWorld, BEGIN, type AlertReceiver } from "./alert-receivers.ts";

describeAlertStore("memory", async () => {
  const store = new MemoryAlertStore();
  return {
    first: store,
    second: store,
    thresholds: async () => store.thresholds.map((threshold) => ({ ...threshold })),
    remove: async () => undefined,
  };
});

const COST = "turn-cost";
const cost = ALERT_RULES.find(({ id }) => id === COST)!;

async function firing(): Promise<{ world: AlertWorld; receiver: AlertReceiver }> {
  const world = new AlertWorld();
  const receiver = await world.start();
  world.store.measures(COST, 2);
  await world.pass(240);
  expect(world.rows()).toEqual([`${COST} all open`]);
  return { world, receiver };
}

describe("an alert", () => {
  it("fires only when its rule was broken for long enough", async () => {
    const world = new AlertWorld();
    await world.start();
    world.store.measures(COST, 2);
    await world.pass(60 + cost.forSeconds - 5);
    expect(world.rows()).toEqual([]);
    world.store.measures(COST, 1);
    await world.pass(60);
    world.store.measures(COST, 2);
    await world.pass(cost.forSeconds);
    expect(world.rows()).toEqual([]);
    await world.pass(60);
    expect(world.rows()).toEqual([`${COST} all open`]);
  });

  it("does not fire at its threshold, and not on too few samples", async () => {
    const world = new AlertWorld();
    await world.start();
    world.store.measures(COST, 1);
    world.store.measures("turn-in-use", 0);
    await world.pass(600);
    world.store.measures(COST, 5, cost.minimumSamples - 1);
    await world.pass(600);
    expect(world.rows()).toEqual([]);
  });

  it("is resolved when it has stayed below its recovery for long enough", async () => {
    const { world } = await firing();
    world.store.measures(COST, 0.9);
    await world.pass(cost.recoverySeconds);
    expect(world.rows()).toEqual([`${COST} all open`]);
    await world.pass(60);
    expect(world.rows()).toHaveLength(1);
    expect(world.store.rows[0]!.resolvedAt).not.toBeNull();
  });

  it("does not flap between its threshold and its recovery", async () => {
    const { world, receiver } = await firing();
    for (let step = 0; step < 12; step += 1) {
      world.store.measures(COST, step % 2 === 0 ? 0.95 : 1.05);
      await world.pass(2 * cost.recoverySeconds + 60);
    }
    expect(world.rows()).toEqual([`${COST} all open`]);
    expect(receiver.changes.flatMap(({ started, resolved }) => [...started, ...resolved])).toHaveLength(1);
  });

  it("does not flap when it recovers for a moment, again and again", async () => {
    const { world } = await firing();
    for (let step = 0; step < 60; step += 1) {
      world.store.measures(COST, step % 3 === 0 ? 2 : 0.1);
      await world.pass(60);
    }
    expect(world.rows()).toEqual([`${COST} all open`]);
  });

  it("keeps the worst value while it fires, and says so when it is resolved", async () => {
    const { world, receiver } = await firing();
    world.store.measures(COST, 7);
    await world.pass(60);
    world.store.measures(COST, 3);
    await world.pass(60);
    expect(receiver.evaluator.alerts).toMatchObject([{ rule: COST, state: "firing", value: 7, threshold: 1 }]);
    world.store.measures(COST, 0);
    await world.pass(300);
    expect(receiver.evaluator.alerts).toMatchObject([{ rule: COST, state: "resolved", value: 7 }]);
    expect(receiver.changes.at(-1)).toMatchObject({ started: [], resolved: [{ rule: COST, scope: "all" }] });
  });

  it("whose samples are gone is resolved after a window without them", async () => {
    const { world } = await firing();
    world.store.measured.delete(COST);
    await world.pass(cost.noSamplesSeconds);
    expect(world.rows()).toEqual([`${COST} all open`]);
    await world.pass(60);
    expect(world.rows()).not.toEqual([`${COST} all open`]);
  });

  it("of a rule that there is no longer is resolved", async () => {
    const { world, receiver } = await firing();
    await receiver.evaluator.stop();
    const newer = new AlertWorld(ALERT_RULES.filter(({ id }) => id !== COST));
    newer.store.rows = world.store.rows;
    await newer.start();
    await newer.pass(65);
    expect(newer.store.rows).toMatchObject([{ rule: COST, resolvedAt: expect.any(Number) }]);
  });

  it("fires for each scope on its own, the worst first, and no more than the limit", async () => {
    const world = new AlertWorld();
    const { evaluator } = await world.start();
    const services = (count: number, prefix: string) =>
      Array.from({ length: count }, (_, index) => ({
        scopeValues: ["", `${prefix}${index}`, "prod"],
        value: 0.5,
        samples: 1000,
      }));
    world.store.measured.set("http-error-ratio", services(3, "s"));
    await world.pass(240);
    expect(evaluator.alerts.map(({ scope }) => scope)).toEqual([0, 1, 2].map((n) => `service=s${n} environment=prod`));
    for (const prefix of ["a", "b", "c"]) {
      // Each of them fills what a rule may have: the alerts before stay open, their samples being gone.
      world.store.measured.set("http-error-ratio", services(600, prefix));
      await world.pass(240);
    }
    expect(world.store.rows.filter(({ resolvedAt }) => resolvedAt === null).length).toBeLessThanOrEqual(
      MAX_OPEN_ALERTS,
    );
    expect(world.store.rows.length).toBeGreaterThan(900);
  });
});

describe("a receiver that starts", () => {
  it("goes on where the table is, tells nothing twice, and writes the thresholds", async () => {
    const { world, receiver } = await firing();
    const told = receiver.changes.length;
    await world.restart(receiver);
    expect(receiver.evaluator.alerts).toMatchObject([{ rule: COST, state: "firing" }]);
    await world.pass(600);
    expect(world.rows()).toEqual([`${COST} all open`]);
    expect(receiver.changes).toHaveLength(told);
    expect(world.store.thresholds.map(({ rule, threshold }) => [rule, threshold])).toEqual(
      ALERT_RULES.map((rule) => [rule.id, rule.threshold(DEFAULT_ALERT_SETTINGS)]),
    );
  });

  it("gives what was down until now one interval to persist", async () => {
    const world = new AlertWorld();
    world.store.measures("receiver-freshness", 8 * 3600);
    await world.start();
    await world.pass(60);
    world.store.measures("receiver-freshness", 5);
    await world.pass(600);
    expect(world.rows()).toEqual([]);
  });
});

describe("several receivers", () => {
  it("do not double an alert, and both show it", async () => {
    const world = new AlertWorld();
    const [first, second] = [await world.start(true), await world.start(false)];
    world.store.measures(COST, 2);
    world.store.measures("receiver-freshness", 500);
    await world.pass(300);
    expect(world.rows().toSorted()).toEqual(["receiver-freshness all open", `${COST} all open`]);
    expect(second.evaluator.alerts).toEqual(first.evaluator.alerts);
    expect(second.changes.flatMap(({ started }) => started.map(({ rule }) => rule)).toSorted()).toEqual([
      "receiver-freshness",
      COST,
    ]);
  });

  it("do not double an alert while two take themselves for the owner", async () => {
    const world = new AlertWorld();
    await world.start(true);
    await world.pass(30);
    await world.start(true);
    world.store.measures(COST, 2);
    await world.pass(600);
    world.store.measures(COST, 0);
    await world.pass(600);
    expect(world.rows()).toHaveLength(1);
    expect(world.store.rows[0]!.resolvedAt).not.toBeNull();
  });

  it("take over: the new owner resolves what the old one started", async () => {
    const world = new AlertWorld();
    const [first, second] = [await world.start(true), await world.start(false)];
    world.store.measures(COST, 2);
    await world.pass(300);
    [first.isOwner, second.isOwner] = [false, true];
    await world.pass(300);
    expect(world.rows()).toEqual([`${COST} all open`]);
    world.store.measures(COST, 0);
    await world.pass(300);
    expect(world.rows()).not.toEqual([`${COST} all open`]);
    expect(first.evaluator.alerts).toMatchObject([{ state: "resolved" }]);
  });

  it("evaluate nothing but freshness where they do not own", async () => {
    const world = new AlertWorld();
    await world.start(false);
    world.store.measures(COST, 2);
    await world.pass(900);
    expect(world.rows()).toEqual([]);
    expect(world.store.thresholds).toEqual([]);
  });
});

describe("SQL out of reach", () => {
  it("makes freshness fire all the same, told at once and stored when SQL is back", async () => {
    const world = new AlertWorld();
    const receiver = await world.start();
    world.store.measures("receiver-freshness", 10);
    await world.pass(120);
    world.store.outage = "all";
    await world.pass(180 + 60 + 60);
    expect(receiver.evaluator.alerts).toMatchObject([{ rule: "receiver-freshness", state: "firing", threshold: 180 }]);
    expect(receiver.changes.flatMap(({ started }) => started)).toHaveLength(1);
    expect(receiver.reports).toEqual(["alerts: out of reach"]);
    expect(world.rows()).toEqual([]);
    const startedAt = receiver.evaluator.alerts[0]!.startedAt;
    world.store.outage = "none";
    world.store.measures("receiver-freshness", 320);
    await world.pass(10);
    expect(world.store.rows).toMatchObject([{ rule: "receiver-freshness", startedAt: startedAt / 1000 }]);
    world.store.measures("receiver-freshness", 5);
    await world.pass(180);
    expect(receiver.evaluator.alerts).toMatchObject([{ rule: "receiver-freshness", state: "resolved" }]);
  });

  it("changes nothing of other alerts, and what could not be written is written later", async () => {
    const { world } = await firing();
    world.store.measures(COST, 0);
    world.store.outage = "all";
    await world.pass(1800);
    world.store.outage = "none";
    world.store.measures(COST, 2);
    await world.pass(300);
    expect(world.rows()).toContain(`${COST} all open`);
    world.store.outage = "writes";
    world.store.measures(COST, 0);
    await world.pass(600);
    expect(world.rows()).toContain(`${COST} all open`);
    world.store.outage = "none";
    await world.pass(300);
    expect(world.rows()).not.toContain(`${COST} all open`);
  });
});

describe("what evaluating costs", () => {
  it("is a bounded number of reads an interval, and no write while nothing changes", async () => {
    const { world } = await firing();
    const { reads, writes } = world.store;
    await world.pass(600);
    expect(world.store.reads - reads).toBeLessThanOrEqual(10 * (ALERT_RULES.length + 3));
    expect(world.store.writes - writes).toBe(0);
  });
});

type Step =
  | { readonly kind: "value"; readonly rule: string; readonly value: number | undefined }
  | { readonly kind: "owner"; readonly receiver: number; readonly isOwner: boolean }
  | { readonly kind: "outage"; readonly outage: MemoryAlertStore["outage"] }
  | { readonly kind: "restart"; readonly receiver: number }
  | { readonly kind: "pass"; readonly seconds: number };

const receiver = fc.nat({ max: 1 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("value" as const),
    rule: fc.constantFrom(COST, "turn-in-use"),
    value: fc.constantFrom(undefined, 0, 0.5, 0.95, 1.5, 3),
  }),
  fc.record({ kind: fc.constant("owner" as const), receiver, isOwner: fc.boolean() }),
  fc.record({ kind: fc.constant("outage" as const), outage: fc.constantFrom("none", "none", "all", "writes") }),
  fc.record({ kind: fc.constant("restart" as const), receiver }),
  fc.record({ kind: fc.constant("pass" as const), seconds: fc.integer({ min: 1, max: 80 }).map((n) => n * 5) }),
);

async function take(world: AlertWorld, step: Step): Promise<void> {
  if (step.kind === "value" && step.value === undefined) world.store.measured.delete(step.rule);
  else if (step.kind === "value") world.store.measures(step.rule, step.value!);
  else if (step.kind === "owner") world.receivers[step.receiver]!.isOwner = step.isOwner;
  else if (step.kind === "outage") world.store.outage = step.outage;
  else if (step.kind === "restart") await world.restart(world.receivers[step.receiver]!);
  else await world.pass(step.seconds);
}

function checkRows(rows: readonly AlertRow[], before: readonly AlertRow[]): void {
  const open = rows.filter(({ resolvedAt }) => resolvedAt === null).map(({ rule, scope }) => `${rule} ${scope}`);
  expect(new Set(open).size).toBe(open.length);
  // What was resolved is over: neither its end nor its value changes.
  const over = before.filter(({ resolvedAt }) => resolvedAt !== null);
  for (const row of over) expect(rows).toContainEqual(row);
  for (const { startedAt, resolvedAt } of rows) {
    expect(startedAt).toBeGreaterThanOrEqual(BEGIN + 60);
    if (resolvedAt !== null) expect(resolvedAt - startedAt).toBeGreaterThanOrEqual(cost.recoverySeconds);
  }
}

it("whatever happens, a rule and scope has one open alert at most, and an alert ends once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 60 }), async (taken) => {
      const world = new AlertWorld();
      await world.start(true);
      await world.start(false);
      for (const step of taken) {
        const before = [...world.store.rows];
        await take(world, step);
        checkRows(world.store.rows, before);
      }
    }),
    { numRuns: 100 },
  );
});
