import { describe, expect, it } from "vitest";
import { isOfNoUseHere, type MysqlGroupMember, whyNotTheWriterOf } from "../../src/rollup/mysql-member.ts";

function member(id: string, state: string, role: string): MysqlGroupMember {
  return { id, host: `host-${id}`, port: 3306, state, role };
}

const [PRIMARY, SECOND, THIRD] = [
  member("b", "ONLINE", "PRIMARY"),
  member("a", "ONLINE", "SECONDARY"),
  member("c", "ONLINE", "SECONDARY"),
] as const;

describe("the member that takes writes", () => {
  it("is the primary that reaches most of its group", () => {
    expect(whyNotTheWriterOf({ memberId: "b", members: [PRIMARY, SECOND, THIRD] })).toBeUndefined();
    const oneLost = [PRIMARY, SECOND, { ...THIRD, state: "UNREACHABLE" }];
    expect(whyNotTheWriterOf({ memberId: "b", members: oneLost })).toBeUndefined();
  });

  it.each([
    ["a", [PRIMARY, SECOND, THIRD], "it is SECONDARY in its group"],
    ["b", [{ ...PRIMARY, state: "RECOVERING" }, SECOND, THIRD], "it is RECOVERING in its group"],
    ["b", [{ ...PRIMARY, state: "ERROR", role: "" }], "it is ERROR in its group"],
    ["x", [PRIMARY, SECOND, THIRD], "it is OFFLINE in its group"],
    [
      "b",
      [PRIMARY, { ...SECOND, state: "UNREACHABLE" }, { ...THIRD, state: "UNREACHABLE" }],
      "it does not reach most of its group",
    ],
    ["b", [PRIMARY, { ...SECOND, role: "PRIMARY" }, { ...THIRD, role: "PRIMARY" }], "host-a:3306 is chosen for writes"],
  ])("is not %s of %j", (memberId, members, reason) => {
    expect(whyNotTheWriterOf({ memberId, members })).toBe(reason);
  });

  it("is the same for everybody where several take writes", () => {
    const members = [PRIMARY, SECOND, THIRD].map((one) => ({ ...one, role: "PRIMARY" }));
    const chosen = members.filter(({ id }) => whyNotTheWriterOf({ memberId: id, members }) === undefined);
    expect(chosen.map(({ id }) => id)).toEqual(["a"]);
  });
});

it.each([
  [1290, true],
  [1836, true],
  [3032, true],
  // Its group took no commit: the member may be well, and the commit too large.
  [3100, false],
  // A certification conflict and a deadlock: this server is right, the transaction is tried again.
  [3101, false],
  [1213, false],
])("error %i says that another server is to be used: %s", (errno, expected) => {
  expect(isOfNoUseHere(Object.assign(new Error("of the server"), { errno }))).toBe(expected);
});
