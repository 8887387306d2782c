/** What a group would not take for its size is known before it happens, with what to set. */
import { describe, expect, it } from "vitest";
import { commitSizeFault } from "../../src/rollup/mysql-commit-size.ts";

const SHIPPED = { maxBytes: 150_000_000, rowImage: "FULL", isCompressed: false };
const LARGEST = { series: 10_000, minuteRows: 100_000 };

describe("a commit of as many series as a shard may have", () => {
  it("is more than a group takes as it is shipped, and compression is what to set", () => {
    expect(commitSizeFault(SHIPPED, LARGEST)).toBe(
      "a commit of 10000 busy series (METRICS_MAX_SERIES) is up to 678 MB where SQL was away for some minutes, " +
        "group_replication_transaction_size_limit is 150 MB: COMMIT would fail with 3100 time and again, and its shard stand still. " +
        "Set binlog_transaction_compression = ON on each member (it is up to 120 MB then), or lower METRICS_MAX_SERIES and have more SHARDS",
    );
  });

  it.each([
    ["is taken compressed", { isCompressed: true }],
    ["is taken where the limit is high enough", { maxBytes: 678_000_000 }],
    ["is taken where there is no limit", { maxBytes: 0 }],
  ])("%s", (_name, set) => {
    expect(commitSizeFault({ ...SHIPPED, ...set }, LARGEST)).toBeUndefined();
  });

  it("is smaller with a minimal row image, which alone is not enough", () => {
    expect(commitSizeFault({ ...SHIPPED, rowImage: "MINIMAL" }, LARGEST)).toContain("is up to 548 MB");
  });

  it("needs a higher limit, too, where compression does not make it small enough", () => {
    const many = { ...LARGEST, series: 50_000 };
    expect(commitSizeFault(SHIPPED, many)).toContain(
      "Set binlog_transaction_compression = ON and group_replication_transaction_size_limit = 400000000 on each member",
    );
    expect(commitSizeFault({ ...SHIPPED, isCompressed: true }, many)).toContain(
      "Set group_replication_transaction_size_limit = 400000000 on each member",
    );
  });

  it("comes early where more series than rows of minutes may wait: it has no more of them than that", () => {
    const [most, more] = [100_000, 1_000_000].map((series) => commitSizeFault(SHIPPED, { ...LARGEST, series }));
    expect(most).toContain("is up to 3000 MB");
    expect(more).toContain("is up to 3000 MB");
  });
});
