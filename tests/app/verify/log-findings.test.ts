import { describe, expect, it } from "vitest";
import { logFinding, type ShardToVerify } from "../../../src/app/verify/log-findings.ts";
import type { LogView } from "../../../src/model/log-view.ts";

const OFFSET = { generation: 3, lastId: "50-0", logIdentity: "redis one", persistedAt: 1_795_305_600 };

function log(changes: Partial<LogView["status"]>, oldest?: string): LogView {
  return {
    status: {
      entries: oldest === undefined ? 0 : 2,
      lastId: "50-0",
      isOpen: true,
      wasOpenedHere: true,
      generation: 3,
      identity: "redis one",
      storage: "redis",
      isSuperseded: false,
      ...changes,
    },
    oldest: oldest === undefined ? undefined : { id: oldest, receivedAtMillis: 1_795_305_600_000 },
  };
}

function finding(view: LogView, changes: Partial<ShardToVerify> = {}): string {
  const { level, message } = logFinding({
    shard: 0,
    isConfigured: true,
    view,
    offset: OFFSET,
    offsetBefore: OFFSET,
    ...changes,
  });
  return `${level} ${message}`;
}

describe("the log of a shard", () => {
  it("is fine where it goes on at the end of the totals", () => {
    expect(finding(log({}))).toMatch(/^ok it goes on where the totals end/);
    expect(finding(log({ lastId: "60-0" }, "40-0"))).toMatch(/^ok /);
  });

  it.each([true, false])("fails where it ends before the totals, whether it takes anything (%s) or not", (isOpen) => {
    expect(finding(log({ isOpen, lastId: "40-0" }))).toMatch(/^FAIL it ends at entry 40-0, before the totals at 50-0/);
    expect(finding(log({ isOpen, lastId: "40-0" }, "38-0"))).toMatch(/^FAIL it ends at entry 40-0/);
  });

  it("fails where it is new, or of an earlier generation and ends before the totals", () => {
    const empty = { generation: 0, identity: "", isOpen: false, lastId: "0-0" };
    expect(finding(log(empty))).toMatch(
      /^FAIL it ends at entry 0-0, before the totals at 50-0: it is new, or was emptied/,
    );
    expect(finding(log({ generation: 2, identity: "redis zero", lastId: "40-0" }))).toMatch(/^FAIL .* an older copy/);
  });

  it("is not used yet where nothing was ever counted", () => {
    const view = log({ generation: 0, identity: "", isOpen: false, lastId: "0-0" });
    expect(finding(view, { offset: undefined, offsetBefore: undefined })).toBe("ok not used yet");
  });

  it("is fine where a receiver appended and committed after it was looked at", () => {
    expect(finding(log({ lastId: "40-0" }), { offsetBefore: { ...OFFSET, lastId: "40-0" } })).toMatch(/^ok /);
  });

  it("fails where it is another's, with entries that will never be counted", () => {
    const other = { identity: "other one", lastId: "70-0" };
    expect(finding(log(other, "45-0"))).toMatch(
      /^FAIL it is another log .* entries from 45-0 on .* up to 50-0 no receiver/,
    );
    expect(finding(log(other, "51-0"))).toMatch(/^warn .* until a receiver opens it anew, above entry 50-0/);
    expect(finding(log({ ...other, lastId: "50-0" }))).toMatch(/^warn /);
  });

  it("is a warning where a receiver has only yet to open it: restarted, or on its way to the next generation", () => {
    expect(finding(log({ isOpen: false }))).toMatch(/^warn Redis was restarted or promoted/);
    expect(finding(log({ generation: 2, identity: "redis zero", lastId: "52-0" }, "44-0"))).toMatch(/^warn /);
  });
});
