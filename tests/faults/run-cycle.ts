/**
 * One cycle of one fault: receivers on fresh stores, senders that never stop, the fault in the middle, then the end of the
 * load, the folding of all that the logs hold, and the comparison of what is stored with what was acknowledged.
 */
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import type { ExporterHabits, ExporterTiming } from "./exporter.ts";
import { Load, type Sender } from "./load.ts";
import type { Journal } from "./journal.ts";
import { ReceiverChild } from "./receiver-child.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type BackendKind, type Servers, SHARDS, type Stores } from "./stores.ts";
import { compareTotals, Totals, type Verdict } from "./totals.ts";

/** How long faults last and how much is sent. */
export interface Size {
  /** The short round is for every test run; the long one keeps to the times that the world has. */
  readonly short: boolean;
  /** Batches acknowledged before, between and after faults. */
  readonly batches: number;
  readonly senders: number;
  readonly timing: ExporterTiming;
}

/** What stands between the senders and the receivers. */
export interface Front {
  /** Where exporters send to. */
  readonly origins: readonly string[];
  /** Where pages connect to. */
  readonly bridgeOrigin: string;
  /** A proxy before each receiver; none where something else stands there. */
  readonly doors: readonly TcpProxy[];
  /** The same before each bridge. */
  readonly bridgeDoors: readonly TcpProxy[];
  close(): Promise<void>;
}

/** Puts something between the senders and the receivers, which do not run yet. */
export type OpenFront = (receivers: readonly ReceiverChild[]) => Promise<Front>;

/** Everything that a fault can lay hands on. */
export interface Scene {
  readonly stores: Stores;
  readonly receivers: readonly ReceiverChild[];
  readonly front: Front;
  /** Those of the front. */
  readonly doors: readonly TcpProxy[];
  readonly load: Load;
  readonly random: SeededRandom;
  readonly size: Size;
  /** Notes in a few words what shows that the fault took place. */
  witness(text: string): void;
}

/** A fault of the matrix. */
export interface Fault {
  readonly name: string;
  readonly backends: readonly BackendKind[];
  /** How many, on servers. Default 1. */
  readonly receivers?: number;
  readonly habits?: Partial<ExporterHabits>;
  /** Who sends besides the exporters. */
  readonly joins?: (journal: Journal, front: Front, random: SeededRandom, size: Size) => readonly Sender[];
  /** See `LoadOptions`. */
  readonly largestStep?: number;
  /** Settings of its receivers. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Modules that its receivers load first. */
  readonly imports?: (backend: BackendKind, size: Size) => readonly string[];
  /**
   * Whether what was acknowledged may be missing, because it was nowhere else when its only copy went. Then totals are compared
   * over all buckets: what follows in a stream contains what is missing.
   */
  readonly mayLose?: boolean;
  /** See `LoadOptions`. */
  readonly pinned?: boolean;
  /** Where something may be lost: whether what this sender, by its number, was acknowledged must be kept all the same. */
  readonly keepsSender?: (sender: number) => boolean;
  /** Whether receivers are all started at once, on stores that no migration has seen; else one after the other. */
  readonly startTogether?: boolean;
  /** What is known to be wrong still: the row is left out unless it is asked for by name. */
  readonly open?: string;
  /** Why it cannot be done here; undefined when it can. */
  readonly obstacle?: (backend: BackendKind) => string | undefined;
  /** Where it needs stores of another kind than usual: opens them, runs the cycle and closes them. */
  readonly around?: (
    backend: BackendKind,
    servers: Servers | undefined,
    cycle: (stores: Stores) => Promise<Outcome>,
  ) => Promise<Outcome>;
  /** Does it, and rejects when it did not take place. The load runs meanwhile and is answered again when this ends. */
  inject(scene: Scene): Promise<void>;
}

/** What came of a cycle. */
export interface Outcome extends Verdict {
  readonly journal: Journal;
  readonly witnessed: readonly string[];
  /** What is added up over cycles when it is printed. */
  readonly counted?: ReadonlyMap<string, number>;
}

const ENVIRONMENT: Readonly<Record<string, string>> = {
  SHARDS: String(SHARDS),
  METRICS_PROCESS_INTERVAL: "50",
  METRICS_PERSIST_INTERVAL: "150",
  METRICS_BATCH_SIZE: "7",
};

/** A proxy before each receiver and its bridge: every exporter knows all of them, and pages the first. */
async function openDoors(receivers: readonly ReceiverChild[]): Promise<Front> {
  const doors = await Promise.all(receivers.map(({ port }) => startTcpProxy(port)));
  const bridgeDoors = await Promise.all(receivers.map(({ bridgePort }) => startTcpProxy(bridgePort)));
  const origin = ({ port }: TcpProxy): string => `http://127.0.0.1:${port}`;
  return {
    origins: doors.map(origin),
    bridgeOrigin: origin(bridgeDoors[0]!),
    doors,
    bridgeDoors,
    close: async () => void (await Promise.all([...doors, ...bridgeDoors].map((door) => door.close()))),
  };
}

/** Runs one cycle on stores that it does not close. Rejects when something but the totals went wrong. */
export async function runCycle(
  fault: Fault,
  stores: Stores,
  random: SeededRandom,
  size: Size,
  openFront: OpenFront = openDoors,
): Promise<Outcome> {
  const receivers = await Promise.all(
    Array.from({ length: receiverCount(fault, stores.kind) }, (_, at) =>
      ReceiverChild.create({
        environment: { ...ENVIRONMENT, ...stores.environment(at), ...fault.environment },
        imports: fault.imports?.(stores.kind, size) ?? [],
      }),
    ),
  );
  const front = await openFront(receivers);
  let load: Load | undefined;
  try {
    await startReceivers(receivers, fault.startTogether ?? false);
    load = new Load({
      origins: front.origins,
      random,
      senders: size.senders,
      timing: size.timing,
      habits: fault.habits ?? {},
      pinned: fault.pinned ?? false,
      ...(fault.largestStep === undefined ? {} : { largestStep: fault.largestStep }),
    });
    for (const sender of fault.joins?.(load.journal, front, random.fork("joins"), size) ?? []) load.join(sender);
    await load.acknowledges(size.batches);
    const witnessed: string[] = [];
    const witness = (text: string): void => void witnessed.push(text);
    const { journal } = load;
    const parts = { stores, receivers, front, doors: front.doors, load, size, witness };
    await fault.inject({ ...parts, random: random.fork("fault") });
    await load.acknowledges(size.batches);
    await load.end();
    await drain(receivers, stores, load);
    const stored = await stores.totals();
    const { lost } = compareTotals(floorOf(journal, fault), stored, true);
    if (lost > 0n) throw new Error(`${lost} of what must have been kept are lost`);
    return { ...compareTotals(journal.acknowledged, stored, fault.mayLose ?? false), journal, witnessed };
  } catch (error) {
    throw withComplaints(error, receivers, load);
  } finally {
    load?.giveUp();
    for (const receiver of receivers) receiver.thaw();
    await Promise.all(receivers.map((receiver) => receiver.kill()));
    await front.close();
  }
}

/** An embedded receiver is always alone. */
export function receiverCount({ receivers }: Fault, backend: BackendKind): number {
  return backend === "embedded" ? 1 : (receivers ?? 1);
}

/** What must be stored where something else may be lost. */
function floorOf({ acknowledged, kept, batchesAtRisk }: Journal, { keepsSender }: Fault): Totals {
  if (keepsSender) return ofSenders(acknowledged, keepsSender);
  return batchesAtRisk > 0 ? kept : new Totals();
}

/** The rows of what some senders sent. */
function ofSenders({ rows }: Totals, wanted: (sender: number) => boolean): Totals {
  const totals = new Totals();
  for (const [row, columns] of rows) {
    const sender = /\|sender-(\d+)-/.exec(row)?.[1];
    if (sender !== undefined && wanted(Number(sender))) totals.rows.set(row, columns);
  }
  return totals;
}

async function startReceivers(receivers: readonly ReceiverChild[], together: boolean): Promise<void> {
  const start = async (receiver: ReceiverChild): Promise<void> => {
    await receiver.start();
    await receiver.ready();
  };
  if (together) await Promise.all(receivers.map(start));
  else for (const receiver of receivers) await start(receiver);
}

/** Has everything in the logs folded and ends the receivers in order. */
export async function drain(receivers: readonly ReceiverChild[], stores: Stores, load: Load): Promise<void> {
  for (const receiver of receivers) {
    const { code } = await receiver.stop();
    // 1: it stopped waiting for a commit; what is in the log is folded at the next start.
    if (code !== 0 && code !== 1) throw new Error(`the receiver ended with ${code}`);
  }
  if ((await stores.pendingEntries()) === 0) return;
  // Whoever stopped was not the owner, or could not commit: the next one folds what is left.
  const receiver = receivers[0]!;
  await stores.expireLeases();
  await receiver.start();
  await receiver.ready();
  await load.until(async () => (await stores.pendingEntries()) === 0, "the logs to be folded");
  await receiver.stop();
}

function withComplaints(error: unknown, receivers: readonly ReceiverChild[], load: Load | undefined): Error {
  const said = receivers.map(({ complaints }, at) => `receiver ${at} said: ${complaints}`).join("\n");
  const answers = JSON.stringify([...(load?.journal.answers ?? [])]);
  return new Error(`${error instanceof Error ? error.message : String(error)}\nanswers: ${answers}\n${said}`, {
    cause: error,
  });
}
