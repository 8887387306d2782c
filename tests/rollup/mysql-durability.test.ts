import { expect, it } from "vitest";
import { mysqlDurabilityFaults, mysqlGroupFaults } from "../../src/rollup/mysql-durability.ts";

const KEPT = { flushLogAtCommit: 1, syncBinaryLog: 1, writesPagesTwice: true };

it("a server that keeps every commit has no faults, with a binary log or without", () => {
  expect(mysqlDurabilityFaults(KEPT)).toEqual([]);
  expect(mysqlDurabilityFaults({ ...KEPT, syncBinaryLog: undefined })).toEqual([]);
});

it.each([
  ["innodb_flush_log_at_trx_commit is 2", { flushLogAtCommit: 2 }, "innodb_flush_log_at_trx_commit = 1"],
  ["sync_binlog is 0", { syncBinaryLog: 0 }, "sync_binlog = 1"],
  ["innodb_doublewrite is off", { writesPagesTwice: false }, "innodb_doublewrite = ON"],
])("%s is said, with how to mend it", (fault, facts, mend) => {
  const faults = mysqlDurabilityFaults({ ...KEPT, ...facts });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
  expect(faults[0]).toContain(mend);
});

const MEMBERS = ["PRIMARY", "SECONDARY", "SECONDARY"].map((role, index) => ({
  id: `${index}`,
  host: "h",
  port: index,
  state: "ONLINE",
  role,
}));
const GROUP = { memberId: "0", members: MEMBERS, consistency: "BEFORE_ON_PRIMARY_FAILOVER" };

it("a server without a group, and a group of three with one primary, have no faults", () => {
  expect(mysqlGroupFaults({ group: undefined })).toEqual([]);
  expect(mysqlGroupFaults({ group: GROUP })).toEqual([]);
});

it.each([
  ["outlives the loss of none", { members: MEMBERS.slice(0, 2) }],
  ["group_replication_consistency is EVENTUAL", { consistency: "EVENTUAL" }],
  ["takes writes at several members", { members: MEMBERS.map((member) => ({ ...member, role: "PRIMARY" })) }],
])("of a group it is said that it %s", (fault, facts) => {
  expect(mysqlGroupFaults({ group: { ...GROUP, ...facts } })).toEqual([expect.stringContaining(fault)]);
});
