/**
 * Reads back what the receiver stored of one run of the demo.
 */
import type { Result } from "../../model/result.ts";
import { success } from "../../model/result.ts";
import { GRANULARITIES, type Granularity, type RollupReader, type RollupRow } from "../../model/rollup-store.ts";
import {
  addToEndpoint,
  endpointName,
  NO_AMOUNTS,
  sameAmounts,
  type Amounts,
  type EndpointTotals,
} from "./endpoint-totals.ts";

/** The stored totals of a run in each of the three tables. */
export type StoredTotals = Readonly<Record<Granularity, EndpointTotals>>;

/** What to read: the server side of one namespace, in a time that covers the run. */
export interface StoredRun {
  readonly namespace: string;
  /** Epoch seconds. */
  readonly fromSeconds: number;
  /** Epoch seconds, inclusive. */
  readonly toSeconds: number;
}

/** Reads all three tables, a bucket at a time. Not a success when the store cannot be read. */
export async function readStoredTotals(reader: RollupReader, run: StoredRun): Promise<Result<StoredTotals>> {
  const tables: Record<Granularity, Map<string, Amounts>> = { minute: new Map(), hourly: new Map(), daily: new Map() };
  for (const { name, bucketSeconds } of GRANULARITIES) {
    const first = run.fromSeconds - (run.fromSeconds % bucketSeconds);
    for (let bucket = first; bucket <= run.toSeconds; bucket += bucketSeconds) {
      const rows = await reader.rows(name, bucket, bucket + bucketSeconds);
      if (rows.kind !== "success") return rows;
      for (const row of rows.value) addRow(tables[name], row, run.namespace);
    }
  }
  return success(tables);
}

function addRow(totals: Map<string, Amounts>, row: RollupRow, namespace: string): void {
  const { dimensions, requests, values } = row;
  if (dimensions.namespace !== namespace || dimensions.side !== "server") return;
  const amounts = {
    requests,
    bytesIn: BigInt(values["bytes_in"] ?? 0n),
    bytesOut: BigInt(values["bytes_out"] ?? 0n),
  };
  // The series of the sockets' totals belongs to no endpoint.
  if (sameAmounts(amounts, NO_AMOUNTS)) return;
  addToEndpoint(totals, endpointName(dimensions.method, dimensions.route, dimensions.statusCode), amounts);
}
