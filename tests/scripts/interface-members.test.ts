/** The generated pages say of a table what the model's interfaces say. */
import { describe, expect, it } from "vitest";
import { columnName, interfaceMembers } from "../../scripts/interface-members.ts";
import { markdownTable } from "../../scripts/markdown-table.ts";

describe("interfaceMembers", () => {
  const source = `/** A row. */
export interface Row {
  /** The name;
   * at most 10 long. */
  readonly name: string;
  readonly slot: number;
  /** Packed. */
  readonly state?: Uint8Array;
}

/** Another. */
export interface Other {
  readonly no: string;
}
`;

  it("reads names, types and comments, of that interface alone", () => {
    expect(interfaceMembers(source, "Row")).toEqual([
      { name: "name", type: "string", comment: "The name; at most 10 long." },
      { name: "slot", type: "number", comment: "" },
      { name: "state", type: "Uint8Array", comment: "Packed." },
    ]);
  });

  it("refuses an interface that is not there", () => {
    expect(() => interfaceMembers(source, "Gone")).toThrow("no interface Gone");
  });

  it("names columns as SQL does", () => {
    expect(columnName("pointsRefused")).toBe("points_refused");
  });
});

describe("markdownTable", () => {
  it("pads its columns and escapes what would break a row", () => {
    expect(markdownTable(["a", "long"], [["x|y", "1"], ["two\nlines"]])).toBe(
      ["| a         | long |", "| --------- | ---- |", "| x\\|y      | 1    |", "| two lines |      |"].join("\n"),
    );
  });
});
