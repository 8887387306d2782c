/** A scope is always the same text, and two scopes never share one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { scopeText } from "../../src/alerts/alert-scope.ts";

const columns = ["namespace", "service", "environment"];

it("names the columns that are not empty", () => {
  expect(scopeText(columns, ["shop", "cart", "prod"])).toBe("namespace=shop service=cart environment=prod");
  expect(scopeText(columns, ["", "cart", ""])).toBe("service=cart");
  expect(scopeText(["meeting_id"], [""])).toBe('meeting_id=""');
  expect(scopeText([], [])).toBe("all");
});

it("quotes what could be misread", () => {
  expect(scopeText(columns, ["", "a environment=b", ""])).toBe('service="a environment=b"');
});

it("keeps different scopes apart, however long, within the width of its column", () => {
  const values = fc.array(fc.oneof(fc.string({ maxLength: 128 }), fc.constantFrom("", '"', "a b", "=", "\\")), {
    minLength: 3,
    maxLength: 3,
  });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const same = one.every((value, index) => value === other[index]);
      expect(scopeText(columns, one) === scopeText(columns, other)).toBe(same);
      expect(scopeText(columns, one).length).toBeLessThanOrEqual(512);
    }),
  );
  const long = "\n".repeat(300);
  expect(scopeText(columns, [long, long, "a"])).not.toBe(scopeText(columns, [long, long, "b"]));
  expect(scopeText(columns, [long, long, "a"])).toHaveLength(512);
});
