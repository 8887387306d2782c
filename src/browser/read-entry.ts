/**
 * Main thread: copies the whitelisted fields of one object of a report. What has another type than the specification says
 * is left out: reports come from browsers of all ages.
 */
import { addressFamily, relayAddress } from "./address-facts.ts";
import { type AnyStatsEntry, STATS_FIELDS, type StatsType } from "./stats-entry.ts";

type Raw = Readonly<Record<string, unknown>>;

interface Fields {
  readonly numbers: readonly string[];
  readonly strings: readonly string[];
  readonly booleans: readonly string[];
}

const FIELDS: ReadonlyMap<unknown, Fields> = new Map(
  Object.entries(STATS_FIELDS).map(([type, { counters, gauges, strings, booleans }]) => [
    type,
    { numbers: [...counters, ...gauges], strings, booleans },
  ]),
);

/** Whether objects of this type are read at all. */
export function isStatsType(type: unknown): type is StatsType {
  return FIELDS.has(type);
}

/** The whitelisted fields of an object of a report; `undefined` when it is of no type that is read, or not of any form. */
export function readEntry(raw: unknown): AnyStatsEntry | undefined {
  if (typeof raw !== "object" || raw === null) return undefined;
  const source = raw as Raw;
  const { id, type, timestamp } = source;
  const fields = FIELDS.get(type);
  if (fields === undefined || typeof id !== "string" || typeof timestamp !== "number") return undefined;
  const entry: Record<string, unknown> = { id, type, timestamp };
  for (const name of fields.numbers) {
    const value = source[name];
    if (Number.isFinite(value)) entry[name] = value;
  }
  for (const name of fields.strings) {
    const value = source[name];
    if (typeof value === "string" && value !== "") entry[name] = value;
  }
  for (const name of fields.booleans) {
    const value = source[name];
    if (typeof value === "boolean") entry[name] = value;
  }
  addDerived(entry, source);
  return entry as unknown as AnyStatsEntry;
}

/** Fields that are worked out of what is not kept, or had another name once. */
function addDerived(entry: Record<string, unknown>, source: Raw): void {
  if (entry["type"] === "inbound-rtp" || entry["type"] === "outbound-rtp") {
    entry["kind"] ??= source["mediaType"];
    return;
  }
  if (entry["type"] !== "local-candidate" && entry["type"] !== "remote-candidate") return;
  const relay = entry["type"] === "local-candidate" && entry["candidateType"] === "relay";
  // A relay candidate's own address is the server's; the related one is ours, and tells how packets reach the server.
  const family = addressFamily(relay ? source["relatedAddress"] : (source["address"] ?? source["ip"]));
  if (family !== undefined) entry["addressFamily"] = family;
  if (!relay) return;
  const server = relayAddress(source["url"]);
  if (server === undefined) return;
  entry["relayServer"] = server.server;
  entry["relayProtocol"] ??= server.protocol;
}
