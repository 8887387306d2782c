/**
 * The WebRTC half of the live view: what participants reported of their meetings. Pure.
 */
import type { LatencyHistogramJson } from "../model/latency-histogram.ts";
import type { Quality } from "../model/metric-meaning.ts";
import { ParticipantCount } from "../model/participant-count.ts";
import type { ConnectionRates, RealtimeParticipant, RealtimeSeries } from "../model/realtime-store.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { percentilesOf } from "./percentiles.ts";
import { addHistograms } from "./steps.ts";

/** Participants by their latest quality level. */
export type LiveQuality = Readonly<Record<Quality, number>>;

/** Round-trip times in seconds; null without observations. */
export interface LiveRoundTrip {
  readonly p50: number | null;
  readonly p95: number | null;
}

/** What participants reported. One person in one meeting is one participant, however many pages it has open. */
export interface LiveWebrtc {
  readonly meetings: number;
  readonly participants: number;
  /** The largest meetings, at most {@link MAX_LISTED_MEETINGS}. */
  readonly participantsByMeeting: Readonly<Record<string, number>>;
  readonly quality: LiveQuality;
  /** Participants of whom a page has a relayed connection. */
  readonly relayParticipants: number;
  /** Relayed participants by participants; 0 without any. */
  readonly relayShare: number;
  /** What an hour of the relay use of now would cost, in the currency of the price settings. */
  readonly relayCostPerHour: number;
  readonly roundTripTimeSeconds: LiveRoundTrip;
  /** The worse of lost/(lost + received) and lost/sent; 0 without packets. */
  readonly packetLossRatio: number;
}

/** The most meetings that are listed. */
export const MAX_LISTED_MEETINGS = 100;

/** Makes the half of current WebRTC series. */
export function liveWebrtc(series: readonly RealtimeSeries[], prices: RelayPrices): LiveWebrtc {
  const count = new ParticipantCount();
  const reported: RealtimeParticipant[] = [];
  for (const { dimensions, participant } of series) {
    if (participant === undefined) continue;
    count.add(dimensions, participant);
    reported.push(participant);
  }
  const rates = addConnections(reported);
  const { meetings, participants, relayParticipants } = count;
  return {
    meetings,
    participants,
    participantsByMeeting: Object.fromEntries(count.largestMeetings(MAX_LISTED_MEETINGS)),
    quality: count.byQuality(),
    relayParticipants,
    relayShare: relayShare(relayParticipants, participants),
    relayCostPerHour: relayCostPerHour(rates, prices),
    roundTripTimeSeconds: roundTripOf(addHistograms(series.map((one) => one.latency))),
    packetLossRatio: packetLossRatio(rates),
  };
}

/** Relayed participants by participants; 0 without any. */
export function relayShare(relayParticipants: number, participants: number): number {
  return participants === 0 ? 0 : relayParticipants / participants;
}

/** What an hour of this relay use costs: each relayed page is a user. */
export function relayCostPerHour(
  { relayedMonitors, relayBytesPerSecond }: ConnectionRates,
  prices: RelayPrices,
): number {
  const users = (relayedMonitors * prices.nanosPerUserHour) / 1e9;
  return users + (relayBytesPerSecond * 3600 * prices.nanosPerGigabyte) / 1e18;
}

/** The worse of lost/(lost + received) and lost/sent; 0 without packets. */
export function packetLossRatio(rates: ConnectionRates): number {
  const { packetsInPerSecond, packetsOutPerSecond, packetsLostInPerSecond, packetsLostOutPerSecond } = rates;
  const lostIn = ratio(packetsLostInPerSecond, packetsLostInPerSecond + packetsInPerSecond);
  // What is lost of what was sent is told later than the sending: the ratio of two rates may pass 1.
  return Math.max(lostIn, Math.min(1, ratio(packetsLostOutPerSecond, packetsOutPerSecond)));
}

/** The percentiles of round-trip times. */
export function roundTripOf(roundTrip: LatencyHistogramJson): LiveRoundTrip {
  const { p50, p95 } = percentilesOf(roundTrip);
  return { p50, p95 };
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function addConnections(all: readonly ConnectionRates[]): ConnectionRates {
  const sum = (of: (one: ConnectionRates) => number): number => all.reduce((total, one) => total + of(one), 0);
  return {
    relayedMonitors: sum((one) => one.relayedMonitors),
    relayBytesPerSecond: sum((one) => one.relayBytesPerSecond),
    packetsInPerSecond: sum((one) => one.packetsInPerSecond),
    packetsOutPerSecond: sum((one) => one.packetsOutPerSecond),
    packetsLostInPerSecond: sum((one) => one.packetsLostInPerSecond),
    packetsLostOutPerSecond: sum((one) => one.packetsLostOutPerSecond),
  };
}
