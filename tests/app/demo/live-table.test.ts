import { describe, expect, it } from "vitest";
import { liveLine, liveTable } from "../../../src/app/demo/live-table.ts";
import { liveView } from "../../../src/realtime/live-view.ts";

const PROGRESS = { elapsedSeconds: 15.2, totalSeconds: 60 };
const LIVE = liveView(
  [
    {
      seriesId: "1",
      dimensions: {
        protocol: "http",
        namespace: "",
        service: "api",
        environment: "",
        side: "server",
        method: "GET",
        route: "/api/reports/:id",
        statusCode: 200,
        meetingId: "",
        participantId: "",
      },
      bytesInPerSecond: 999,
      bytesOutPerSecond: 1_250_000,
      requestsPerSecond: 12.34,
      errorsPerSecond: 1.234,
      latency: [[-200, 10]],
      expiresAtMillis: 2,
    },
  ],
  1,
  [],
  { nanosPerUserHour: 0, nanosPerGigabyte: 0 },
);

describe("the live table", () => {
  it("shows rates, percentiles, the top endpoints and the time left", () => {
    const text = liveTable(LIVE, PROGRESS).join("\n");
    for (const part of ["45 s left", "12.3", "999 B/s", "1.3 MB/s", "10.0 %", "13 ms", "GET    /api/reports/:id"]) {
      expect(text).toContain(part);
    }
  });

  it("fits a terminal of 80 columns", () => {
    expect(Math.max(...liveTable(LIVE, PROGRESS).map((line) => line.length))).toBeLessThan(80);
  });

  it("has a form of one line", () => {
    const line = liveLine(LIVE, PROGRESS);
    expect(line).not.toContain("\n");
    for (const part of ["45 s left", "12.3 requests/s", "p95 13 ms", "top GET /api/reports/:id"])
      expect(line).toContain(part);
  });

  it("says that it waits while there is nothing to show", () => {
    expect(liveTable(undefined, PROGRESS).join("\n")).toContain("waiting for the first metrics");
    expect(liveLine(undefined, PROGRESS)).toBe("45 s left: waiting for the first metrics");
  });
});
