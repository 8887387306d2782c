/** Which appends a log takes, and how it numbers them: part of the suite of every ingest log. */
import { describe, expect, it } from "vitest";
import { LOG_START } from "../../src/model/ingest-log.ts";
import { followingEntryId } from "../../src/model/log-id.ts";
import { comparable, idOf, logEntry, openHere, opened, valueOf } from "../support/log-entries.ts";
import type { OpenLog } from "./ingest-log.ts";

const LIMITS = { maxEntries: 5, maxBytes: 1_000_000 };
const CLOSED = { kind: "retryable", code: "unavailable" };

/** Declares the tests; `make` makes logs that were never opened. */
export function ingestLogOpening(make: OpenLog): void {
  describe("opening", () => {
    it("comes before any append", async () => {
      const { log } = await make(LIMITS);
      expect(await log.append(logEntry())).toMatchObject(CLOSED);
      expect(await log.writable()).toMatchObject(CLOSED);
      expect(valueOf(await log.status())).toMatchObject({
        isOpen: false,
        wasOpenedHere: false,
        generation: 0,
        identity: "",
        lastId: LOG_START,
      });
      valueOf(await openHere(log, { generation: 3, identity: "abc", afterId: LOG_START }));
      expect(valueOf(await log.status())).toMatchObject({ isOpen: true, generation: 3, identity: "abc" });
      expect((await log.writable()).kind).toBe("success");
      expect(valueOf(await log.append(logEntry()))).toEqual({ id: "1-0", generation: 3 });
    });

    it("is for one generation or a later one, never for an earlier one", async () => {
      const { log } = await make(LIMITS);
      await opened(log, 3);
      expect(await openHere(log, { generation: 2, identity: "late", afterId: LOG_START })).toMatchObject({
        kind: "failure",
        code: "conflict",
      });
      expect(valueOf(await log.status())).toMatchObject({ generation: 3, identity: "opening 3" });
      await opened(log, 3);
      await opened(log, 8);
      expect(valueOf(await log.append(logEntry()))).toEqual({ id: "1-0", generation: 8 });
    });

    it("is for the storage that was looked at, not for another that has taken its place", async () => {
      const { log } = await make(LIMITS);
      expect(await openHere(log, { storage: "another" })).toMatchObject(CLOSED);
      expect(valueOf(await log.status())).toMatchObject({ isOpen: false, generation: 0 });
    });

    it("is over for good once the log was superseded, until its storage becomes another", async () => {
      const { log, reopen } = await make(LIMITS);
      await opened(log);
      valueOf(await log.append(logEntry()));
      const { storage } = valueOf(await log.status());
      valueOf(await log.supersede(7));
      expect((await log.append(logEntry())).kind).toBe("success");
      valueOf(await log.supersede(1));
      expect(await log.append(logEntry())).toMatchObject(CLOSED);
      expect(await log.writable()).toMatchObject(CLOSED);
      const status = valueOf(await log.status());
      expect(status).toMatchObject({ isOpen: false, isSuperseded: true, storage, entries: 2 });
      valueOf(await log.seal(1));
      expect(valueOf(await log.status())).toEqual(status);
      expect(status.storage).not.toContain(" ");
      expect(valueOf(await (await reopen()).read(LOG_START, 9)).length).toBe(2);
    });

    it("ends with the sealing of its generation, for good", async () => {
      const { log } = await make(LIMITS);
      await opened(log, 2);
      valueOf(await log.append(logEntry()));
      valueOf(await log.seal(1));
      valueOf(await log.append(logEntry()));
      const underWay = log.append(logEntry());
      valueOf(await log.seal(2));
      valueOf(await log.seal(2));
      expect(await log.append(logEntry())).toMatchObject(CLOSED);
      expect(await log.writable()).toMatchObject(CLOSED);
      expect(valueOf(await log.status())).toMatchObject({ isOpen: false, isSuperseded: false, wasOpenedHere: true });
      const held = valueOf(await log.read(LOG_START, 9)).length;
      expect(held).toBe((await underWay).kind === "success" ? 3 : 2);
      expect(await openHere(log, { generation: 2 })).toMatchObject({ kind: "failure", code: "conflict" });
      await opened(log, 3);
      expect(idOf(await log.append(logEntry()))).toBe(`${held + 1}-0`);
    });

    it("is for the entries of one layout", async () => {
      const { log } = await make(LIMITS);
      valueOf(await openHere(log, { generation: 1, layout: 2 }));
      expect(valueOf(await log.status())).toMatchObject({ isOpen: false, isSuperseded: false, wasOpenedHere: true });
      expect(await log.append(logEntry())).toMatchObject(CLOSED);
      expect(await log.writable()).toMatchObject(CLOSED);
      valueOf(await openHere(log, { generation: 2, layout: 1 }));
      valueOf(await log.append(logEntry()));
      expect(valueOf(await log.read(LOG_START, 9))).toHaveLength(1);
    });

    it("makes numbers go on above the one given, and never makes them go back", async () => {
      const { log } = await make(LIMITS);
      valueOf(await openHere(log, { generation: 1, identity: "a", afterId: "41-0" }));
      expect(idOf(await log.append(logEntry()))).toBe("42-0");
      valueOf(await openHere(log, { generation: 2, identity: "b", afterId: "7-3" }));
      expect(idOf(await log.append(logEntry()))).toBe("43-0");
      // As the log of another technology may have numbered: by the time.
      valueOf(await openHere(log, { generation: 3, identity: "c", afterId: "1795305600000123-9" }));
      expect(idOf(await log.append(logEntry()))).toBe("1795305600000124-0");
    });

    it("keeps what the log holds", async () => {
      const { log, reopen } = await make(LIMITS);
      await opened(log);
      const entry = logEntry();
      const id = idOf(await log.append(entry));
      const again = await opened(await reopen(), 2);
      expect(valueOf(await again.read(LOG_START, 9)).map(comparable)).toEqual([comparable(entry)]);
      expect(idOf(await again.append(logEntry()))).toBe(followingEntryId(id));
    });

    it("numbers entries without a gap, whatever is refused between them", async () => {
      const { log } = await make(LIMITS);
      await opened(log);
      const ids: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        const answers = await Promise.all(Array.from({ length: 8 }, () => log.append(logEntry())));
        for (const answer of answers) if (answer.kind === "success") ids.push(answer.value.id);
        valueOf(await log.trim(ids.at(-1)!));
      }
      expect(ids).toEqual(Array.from({ length: 15 }, (_, index) => `${index + 1}-0`));
    });
  });
}
