import { expect, it } from "vitest";
import { chartSummary } from "../../src/live/chart-summary.ts";

it("a chart is told in words: latest, lowest and highest of each line, holes left out", () => {
  const format = (value: number): string => `${value} B/s`;
  const lines = [
    { label: "received", values: [3, null, 1, 2, null], format },
    { label: "sent", values: [null], format },
  ];
  expect(chartSummary("Bandwidth", lines)).toBe(
    "Bandwidth, last 5 minutes. received: latest 2 B/s, lowest 1 B/s, highest 3 B/s. sent: no values.",
  );
});
