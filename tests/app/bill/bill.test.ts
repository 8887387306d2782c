import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeBill, type BillFigures } from "../../../src/app/bill/bill.ts";
import { billText } from "../../../src/app/bill/bill-formats.ts";
import { billingMonth } from "../../../src/app/bill/billing-month.ts";
import type { BilledUse } from "../../../src/rollup/billed-use.ts";

const MONTH = billingMonth("2026-11")!;
const END = MONTH.toSeconds;
const FIGURES = ["connectedMinutes", "relayedMinutes", "gigabytes", "relayedGigabytes", "relayCost"] as const;

function use(meeting: string, amounts: Partial<BilledUse> = {}): BilledUse {
  const none = { connectedMillis: 0n, relayedMillis: 0n, bytes: 0n, relayBytes: 0n, costNanos: 0n };
  return { keys: ["", meeting], ...none, ...amounts };
}

/** A printed number as a fraction of 10^12: exact. */
function exact(text: string): bigint {
  expect(text).toMatch(/^\d+(\.\d{1,12})?$/);
  const [whole, decimals = ""] = text.split(".") as [string, string?];
  return BigInt(whole + decimals.padEnd(12, "0"));
}

const AMOUNT = fc.oneof(fc.bigInt(0n, 100n), fc.bigInt(0n, 10n ** 18n));
const USES = fc.array(
  fc.record({
    keys: fc.tuple(fc.string(), fc.string()),
    connectedMillis: AMOUNT,
    relayedMillis: AMOUNT,
    bytes: AMOUNT,
    relayBytes: AMOUNT,
    costNanos: AMOUNT,
  }),
  { maxLength: 60 },
);

describe("a bill", () => {
  it("has a total that is the sum of its lines as printed, and true to half a unit of print", () => {
    fc.assert(
      fc.property(USES, fc.boolean(), (used, short) => {
        const { lines, total } = makeBill(MONTH, "meeting", END, used, short);
        expect(lines).toHaveLength(used.length);
        for (const figure of FIGURES) {
          expect(lines.reduce((sum, { figures }) => sum + exact(figures[figure]), 0n)).toBe(exact(total[figure]));
        }
        const sum = (of: (one: BilledUse) => bigint): bigint => used.reduce((all, one) => all + of(one), 0n);
        expect(exact(total.relayCost)).toBe(sum((one) => one.costNanos) * 1000n);
        expect(exact(total.gigabytes)).toBe(sum((one) => one.bytes) * 1000n);
        expect(exact(total.relayedGigabytes)).toBe(sum((one) => one.relayBytes) * 1000n);
        const off = exact(total.connectedMinutes) * 60_000n - sum((one) => one.connectedMillis) * 10n ** 12n;
        expect(off < 0n ? -off : off).toBeLessThanOrEqual(30n * 10n ** 12n);
      }),
    );
  });

  it("is off by less than a thousandth of a minute in every line", () => {
    fc.assert(
      fc.property(USES, (used) => {
        const millis = new Map(used.map((one, at) => [`${at}`, one.connectedMillis]));
        const { lines } = makeBill(
          MONTH,
          "meeting",
          END,
          used.map((one, at) => ({ ...one, keys: [`${at}`] })),
          false,
        );
        for (const { keys, figures } of lines) {
          const off = exact(figures.connectedMinutes) * 60_000n - millis.get(keys[0]!)! * 10n ** 12n;
          expect(off < 0n ? -off : off).toBeLessThan(60n * 10n ** 12n);
        }
      }),
    );
  });

  it("says that twenty users of an hour cost 1.00", () => {
    const used = Array.from({ length: 20 }, (_, user) =>
      use(`user ${user}`, { connectedMillis: 3_600_000n, relayedMillis: 3_600_000n, costNanos: 50_000_000n }),
    );
    const { total, lines } = makeBill(MONTH, "participant", END, used, true);
    expect(total).toEqual<BillFigures>({
      connectedMinutes: "1200.000",
      relayedMinutes: "1200.000",
      gigabytes: "0.000",
      relayedGigabytes: "0.000",
      relayCost: "1.00",
    });
    expect(lines[0]!.figures.relayCost).toBe("0.05");
  });

  it("is dearest first, and final when nothing can come any more", () => {
    const used = [use("b"), use("a"), use("c", { relayedMillis: 1n }), use("d", { costNanos: 1n })];
    const made = makeBill(MONTH, "meeting", END + 48 * 3600, used, true);
    expect(made.lines.map(({ keys }) => keys[1])).toEqual(["d", "c", "a", "b"]);
    expect(made.lines[0]!.figures.relayCost).toBe("0.000000001");
    expect(made.isFinal).toBe(true);
    expect(makeBill(MONTH, "meeting", END + 48 * 3600 - 1, used, true).isFinal).toBe(false);
    expect(makeBill(MONTH, "meeting", undefined, [], true)).toMatchObject({ isFinal: false, lines: [] });
  });
});

describe("a bill as text", () => {
  const bill = (...meetings: readonly string[]) =>
    makeBill(
      MONTH,
      "meeting",
      END - 60,
      meetings.map((name) => use(name, { costNanos: 5n * 10n ** 7n })),
      false,
    );

  it("quotes CSV, and lets no id become a formula", () => {
    const nasty = ["=1+1", "@x", "-1", "+1", "\t=1", " =1", "＝1", 'a"b,c', "a\nb", "plain", "é", "'q"];
    const csv = billText(bill(...nasty), "csv");
    expect(csv.split("\r\n")[0]).toBe(
      "kind,month,namespace,meeting_id,connected_minutes,relayed_minutes,gigabytes,relayed_gigabytes,relay_cost",
    );
    const cells = [...csv.matchAll(/^line,2026-11,,("(?:[^"]|"")*"|[^,"\r\n]*),/gm)].map(([, cell]) =>
      cell!.startsWith('"') ? cell!.slice(1, -1).replaceAll('""', '"') : cell!,
    );
    expect(new Set(cells)).toEqual(
      new Set(["'=1+1", "'@x", "'-1", "'+1", "'\t=1", "' =1", "'＝1", 'a"b,c', "a\nb", "plain", "é", "'q"]),
    );
    expect(csv).toContain("total,2026-11,,,0.000,0.000,0.000000000,0.000000000,0.600000000\r\n");
  });

  it("is JSON with every amount exact", () => {
    expect(JSON.parse(billText(bill("m"), "json"))).toEqual({
      month: "2026-11",
      from: "2026-11-01T00:00:00Z",
      to: "2026-12-01T00:00:00Z",
      by: "meeting",
      countedThrough: "2026-11-30T23:59:00Z",
      isFinal: false,
      lines: [
        {
          namespace: "",
          meeting: "m",
          connectedMinutes: "0.000",
          relayedMinutes: "0.000",
          gigabytes: "0.000000000",
          relayedGigabytes: "0.000000000",
          relayCost: "0.050000000",
        },
      ],
      total: {
        connectedMinutes: "0.000",
        relayedMinutes: "0.000",
        gigabytes: "0.000000000",
        relayedGigabytes: "0.000000000",
        relayCost: "0.050000000",
      },
    });
  });

  it("is a table that names who was erased and does nothing to a terminal", () => {
    const text = billText(bill("__erased__", "\u001b[2Jx", ""), "table");
    expect(text).toContain("It counts what was received until 2026-11-30T23:59:00Z, and may still grow.");
    for (const name of ["(erased persons)", "?[2Jx", "(none)", "total"]) expect(text).toContain(name);
    expect(text).not.toContain("\u001b");
  });
});

describe("a month", () => {
  it("is UTC, and any other text is none", () => {
    expect(billingMonth("2026-12")).toEqual({
      name: "2026-12",
      fromSeconds: Date.parse("2026-12-01T00:00:00Z") / 1000,
      toSeconds: Date.parse("2027-01-01T00:00:00Z") / 1000,
    });
    for (const text of ["2026-13", "2026-00", "2026-1", "26-01", "2026-11-01", " 2026-11", "0026-01", ""]) {
      expect(billingMonth(text)).toBeUndefined();
    }
  });
});
