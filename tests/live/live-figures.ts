/** Figures for tests of the live page, typed as the receiver sends them: that the page reads the same is checked with the types. */
import type { HistoryJson, LiveJson } from "../../src/live/live-json.ts";
import type { LiveHistory, LiveHistoryStep } from "../../src/realtime/live-history.ts";
import type { LiveEndpoint, LiveHttp, LiveView } from "../../src/realtime/live-view.ts";
import type { LiveWebrtc } from "../../src/realtime/live-webrtc.ts";

type LiveAlert = LiveView["alerts"][number];

const STEP_MILLIS = 5000;
const STEPS = 60;

/** An endpoint; `changes` replace some figures. */
export function endpoint(changes: Partial<LiveEndpoint> = {}): LiveEndpoint {
  const names = { service: "shop", method: "GET", route: "/items/:id" };
  return { ...names, bytesPerSecond: 1000, requestsPerSecond: 10, p95: 0.04, ...changes };
}

/** An alert that fires since a minute before `at`; `changes` replace some figures. */
export function alert(at: number, changes: Partial<LiveAlert> = {}): LiveAlert {
  return {
    rule: "http-latency-p95",
    severity: "warning",
    scope: "namespace=shop service=api",
    state: "firing",
    value: 412,
    threshold: 300,
    startedAt: at - 60_000,
    resolvedAt: null,
    ...changes,
  };
}

/** A view without anything; `http`, `webrtc` and `alerts` replace some figures. */
export function liveFigures(
  at: number,
  changes: { http?: Partial<LiveHttp>; webrtc?: Partial<LiveWebrtc>; alerts?: readonly LiveAlert[] } = {},
): LiveView & LiveJson {
  return {
    at,
    http: {
      bytesInPerSecond: 0,
      bytesOutPerSecond: 0,
      requestsPerSecond: 0,
      errorRatio: 0,
      latencySeconds: { p50: null, p95: null, p99: null },
      topEndpoints: [],
      ...changes.http,
    },
    webrtc: {
      meetings: 0,
      participants: 0,
      participantsByMeeting: {},
      quality: { excellent: 0, good: 0, fair: 0, poor: 0, unknown: 0 },
      relayParticipants: 0,
      relayShare: 0,
      relayCostPerHour: 0,
      roundTripTimeSeconds: { p50: null, p95: null },
      packetLossRatio: 0,
      ...changes.webrtc,
    },
    alerts: changes.alerts ?? [],
  };
}

/** A step without anything; `changes` replace some figures. */
export function historyStep(at: number, changes: Partial<LiveHistoryStep> = {}): LiveHistoryStep {
  return {
    at,
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    requestsPerSecond: 0,
    errorsPerSecond: 0,
    latencySeconds: { p50: null, p95: null, p99: null },
    roundTripBuckets: [],
    webrtc: {
      bytesInPerSecond: 0,
      bytesOutPerSecond: 0,
      meetings: 0,
      participants: 0,
      relayParticipants: 0,
      relayShare: 0,
      relayCostPerHour: 0,
      roundTripTimeSeconds: { p50: null, p95: null },
      packetLossRatio: 0,
    },
    ...changes,
  };
}

/** A history of these steps. */
export function liveHistoryOf(steps: readonly LiveHistoryStep[]): LiveHistory & HistoryJson {
  return { stepMillis: STEP_MILLIS, steps };
}

/** A busy service and busy meetings at a moment: what the page is looked at with. */
export function busyFigures(at: number): LiveView & LiveJson {
  const wave = at / 20_000;
  const routes = [
    "/",
    "/items",
    "/items/:id",
    "/images/:name",
    "/cart",
    "/cart/items",
    "/checkout",
    "/search",
    "/login",
  ];
  return liveFigures(at, {
    http: {
      bytesInPerSecond: 184_000 + 42_000 * Math.sin(wave),
      bytesOutPerSecond: 3_420_000 + 610_000 * Math.sin(wave / 2) + 190_000 * Math.cos(wave * 3),
      requestsPerSecond: 412 + 60 * Math.sin(wave / 2),
      errorRatio: 0.012 + 0.008 * Math.sin(wave / 3),
      latencySeconds: {
        p50: 0.0185 + 0.003 * Math.sin(wave),
        p95: 0.192 + 0.05 * Math.sin(wave / 2),
        p99: 0.36 + 0.12 * Math.sin(wave / 2) + 0.05 * Math.cos(wave * 2),
      },
      topEndpoints: routes.map((route, index) =>
        endpoint({
          route,
          method: route.startsWith("/c") ? "POST" : "GET",
          service: index % 3 === 2 ? "checkout" : "shop",
          bytesPerSecond: 1_900_000 / (index + 1) ** 1.6,
          requestsPerSecond: 140 / (index + 1),
          p95: 0.03 + 0.02 * index,
        }),
      ),
    },
    webrtc: busyMeetings(at),
    alerts: [
      alert(at, { rule: "http-latency-p95", value: 322, startedAt: at - 190_000 }),
      alert(at, {
        rule: "turn-cost",
        scope: "all",
        value: 1.45,
        threshold: 1,
        severity: "critical",
        startedAt: at - 900_000,
      }),
      alert(at, { rule: "turn-in-use", severity: "info", scope: "all", value: 29, threshold: 0 }),
      alert(at, {
        rule: "webrtc-packet-loss",
        state: "resolved",
        scope: "meeting_id=team-3",
        value: 0.081,
        threshold: 0.05,
        startedAt: at - 3_000_000,
        resolvedAt: at - 2_400_000,
      }),
    ],
  });
}

/** Meetings whose users come and go; some of them over TURN. */
function busyMeetings(at: number): LiveWebrtc {
  const sizes = Array.from({ length: 24 }, (_, index) => 2 + ((index * 7 + Math.floor(at / 45_000)) % 9));
  const participants = sizes.reduce((sum, size) => sum + size, 0);
  const relayParticipants = Math.round(participants * (0.2 + 0.05 * Math.sin(at / 70_000)));
  const [good, fair, poor, unknown] = [0.29, 0.11, 0.04, 0.02].map((share) => Math.round(participants * share));
  return {
    meetings: sizes.length,
    participants,
    participantsByMeeting: Object.fromEntries(sizes.map((size, index) => [`team-${index + 1}`, size])),
    quality: {
      excellent: participants - good! - fair! - poor! - unknown!,
      good: good!,
      fair: fair!,
      poor: poor!,
      unknown: unknown!,
    },
    relayParticipants,
    relayShare: relayParticipants / participants,
    relayCostPerHour: relayParticipants * 0.05,
    roundTripTimeSeconds: { p50: 0.048, p95: 0.087 },
    packetLossRatio: 0.0061 * (1 + 0.6 * Math.sin(at / 25_000)),
  };
}

/** The five minutes before a moment of {@link busyFigures}. */
export function busyHistory(at: number): LiveHistory & HistoryJson {
  const last = Math.floor(at / STEP_MILLIS) * STEP_MILLIS;
  const times = Array.from({ length: STEPS }, (_, index) => last - (STEPS - 1 - index) * STEP_MILLIS);
  return liveHistoryOf(
    times.map((time) => {
      const { http, webrtc } = busyFigures(time);
      return historyStep(time, {
        bytesInPerSecond: http.bytesInPerSecond,
        bytesOutPerSecond: http.bytesOutPerSecond,
        requestsPerSecond: http.requestsPerSecond,
        errorsPerSecond: http.errorRatio * http.requestsPerSecond,
        latencySeconds: http.latencySeconds,
        roundTripBuckets: Array.from({ length: 18 }, (_, index) => ({
          fromSeconds: 0.02 * 2 ** (index / 4),
          toSeconds: 0.02 * 2 ** ((index + 1) / 4),
          count: Math.round(60 * Math.exp(-(((index - 5 - Math.sin(time / 40_000)) / 3) ** 2))),
        })),
        webrtc: { ...webrtc, bytesInPerSecond: 0, bytesOutPerSecond: 0 },
      });
    }),
  );
}
