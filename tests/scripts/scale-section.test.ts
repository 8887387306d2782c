/** The tables of `docs/scale.md` are made of the measurements that are kept, and are not forgotten. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readMeasurements } from "../../bench/scale-measurements.ts";
import { withScale } from "../../scripts/scale-section.ts";

const PAGE = readFileSync(new URL("../../docs/scale.md", import.meta.url), "utf8");

describe("the tables of docs/scale.md", () => {
  it("have a line for every number of receivers and series that was measured", () => {
    const table = /<!-- measured:[^]*<!-- end of measured -->/.exec(withScale(PAGE))![0];
    for (const { series, receivers } of readMeasurements().cells) {
      expect(table).toMatch(new RegExp(`^\\| ${series.toLocaleString("en-US")} +\\| ${receivers} +\\|`, "m"));
    }
  });

  it("are the same when they are made again", () => {
    const once = withScale(PAGE);
    expect(withScale(once)).toBe(once);
  });

  it("are missed when their place is gone", () => {
    expect(() => withScale(PAGE.replace("<!-- end of error -->", ""))).toThrow("end of error");
  });
});
