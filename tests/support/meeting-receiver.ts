/** A receiver for calls of real browsers, and the totals of a participant as anybody would ask SQL. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createReceiver, type Receiver } from "../../src/app/receiver.ts";
import { TokenKeys } from "../../src/bridge/token-keys.ts";
import { systemClock } from "../../src/model/clock.ts";

const SECRET = "a secret for tests, of more than 32 characters";

/** What a participant costs here. */
export const PRICES = { turnCostPerUserHour: 0.36, turnCostPerGigabyte: 0.1 } as const;

/** Sums of one participant's rows. */
export interface ParticipantTotals {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly wireBytesIn: number;
  readonly wireBytesOut: number;
  readonly relayBytes: number;
  readonly relayCostNanos: number;
  readonly relaySeconds: number;
  readonly connectedSeconds: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly packetsLostIn: number;
  readonly packetsLostOut: number;
  /** Lower bounds of the buckets of round trips, each as often as it was seen, in order, seconds. */
  readonly roundTrips: readonly number[];
}

interface Row extends Record<string, unknown> {
  readonly latency_histogram: string | null;
}

/** A running receiver. */
export class MeetingReceiver {
  readonly bridgePort: number;
  readonly #receiver: Receiver;
  readonly #folder: string;
  readonly #keys = new TokenKeys({ secret: SECRET, clock: systemClock });

  private constructor(receiver: Receiver, folder: string, bridgePort: number) {
    this.#receiver = receiver;
    this.#folder = folder;
    this.bridgePort = bridgePort;
  }

  /** Starts one on free ports, embedded, that lets the pages of `origin` in. */
  static async start(origin: string): Promise<MeetingReceiver> {
    const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-meeting-"));
    const receiver = createReceiver({
      environment: {},
      dataDirectory: folder,
      otlpPort: 0,
      bridgePort: 0,
      bridgeOrigins: [origin],
      bridgeJwtSecret: SECRET,
      ...PRICES,
    });
    const { bridgePort } = await receiver.start();
    return new MeetingReceiver(receiver, folder, bridgePort);
  }

  /** A token for a participant, good for an hour. */
  token(meeting: string, participant: string): Promise<string> {
    return this.#keys.issue({ meeting, participant, role: "participant", expiresInSeconds: 3_600 });
  }

  /** Folds and persists what was sent, and ends. Totals can be read after. */
  stop(): Promise<void> {
    return this.#receiver.stop();
  }

  /** What SQL says of a participant of a meeting. */
  totals(meeting: string, participant: string): ParticipantTotals {
    return participantTotals(this.#folder, meeting, participant);
  }

  /** Deletes its data. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What SQL says of a participant of a meeting, in the totals of an embedded receiver. */
export function participantTotals(dataDirectory: string, meeting: string, participant: string): ParticipantTotals {
  const database = new DatabaseSync(join(dataDirectory, "bandwidth.db"), { readOnly: true });
  const query = database.prepare(
    `SELECT rows.* FROM metrics_minute AS rows JOIN series USING (series_id)
     WHERE meeting_id = ? AND participant_id = ?`,
  );
  query.setReadBigInts(true);
  const rows = query.all(meeting, participant) as Row[];
  database.close();
  const sum = (column: string): number => rows.reduce((total, row) => total + Number(row[column]), 0);
  return {
    bytesIn: sum("bytes_in"),
    bytesOut: sum("bytes_out"),
    wireBytesIn: sum("wire_bytes_in"),
    wireBytesOut: sum("wire_bytes_out"),
    relayBytes: sum("relay_bytes"),
    relayCostNanos: sum("relay_cost_nanos"),
    relaySeconds: sum("relay_seconds"),
    connectedSeconds: sum("connected_seconds"),
    packetsIn: sum("packets_in"),
    packetsOut: sum("packets_out"),
    packetsLostIn: sum("packets_lost_in"),
    packetsLostOut: sum("packets_lost_out"),
    roundTrips: rows.flatMap((row) => spread(row.latency_histogram)).sort((a, b) => a - b),
  };
}

/** The geometric middle of each bucket, as often as it was counted. */
function spread(histogram: string | null): number[] {
  const buckets = JSON.parse(histogram ?? "[]") as [index: number, count: number][];
  return buckets.flatMap(([index, count]) => Array.from({ length: count }, () => 2 ** ((index + 0.5) / 32)));
}
