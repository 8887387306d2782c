import { expect, it } from "vitest";
import { mysqlDurabilityFaults } from "../../src/rollup/mysql-durability.ts";

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
