import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { erasureKey, erasureKeys } from "../../src/model/erased-participant.ts";
import { webrtcDimensions } from "../support/realtime-figures.ts";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

it("what was noted before erasures had a namespace is known for ever, in every namespace", () => {
  expect(erasureKey({ participantId: "ann" })).toBe(hash('["ann"]'));
  expect(erasureKey({ participantId: "ann", meetingId: "m" })).toBe(hash('["ann","m"]'));
  for (const namespace of ["", "shop"]) {
    const keys = erasureKeys({ ...webrtcDimensions("m", "ann"), namespace });
    expect(keys).toContain(hash('["ann"]'));
    expect(keys).toContain(hash('["ann","m"]'));
  }
});

it("no two erasures have one key", () => {
  const ids = ["ann", "m", "shop", ""];
  const erased = ids.flatMap((participantId) => [
    { participantId },
    ...ids.flatMap((id) => [
      { participantId, meetingId: id },
      { participantId, namespace: id },
    ]),
    ...ids.flatMap((meetingId) => ids.map((namespace) => ({ participantId, meetingId, namespace }))),
  ]);
  expect(new Set(erased.map(erasureKey)).size).toBe(erased.length);
});
