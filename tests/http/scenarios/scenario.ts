/**
 * What a scenario is: a way to use HTTP, with what was on the wire, what we counted, and what `Content-Length` would have said.
 */

/** Bytes as the instrumented side received and transmitted them. */
export interface Io {
  readonly received: number;
  readonly transmitted: number;
}

/** Body bytes of one exchange. */
export interface Bodies {
  readonly request: number;
  readonly response: number;
}

/** The three levels that are counted; clients have no metrics of messages and connections. */
export interface Figures {
  /** In the order of the requests. */
  readonly bodies: readonly Bodies[];
  readonly messages?: Io;
  readonly connection?: Io;
}

/** What came of one run. */
export interface Outcome {
  /** From the other end of the connection. */
  readonly truth: Figures;
  /** From the exported metrics. */
  readonly counted: Figures;
  /** What `Content-Length` says, 0 where it says nothing: the sum of all bodies. */
  readonly guessed: Bodies;
  /** Faults of our own. */
  readonly faults: number;
}

/** A figure that can be compared; bodies are summed. */
export const FIELDS = [
  "requestBodies",
  "responseBodies",
  "messagesReceived",
  "messagesTransmitted",
  "connectionReceived",
  "connectionTransmitted",
] as const;
export type Field = (typeof FIELDS)[number];

/** Why a count cannot be exact. Each has a line in `docs/http-exactness.md`. */
export type BoundName =
  | "kernel-buffers"
  | "unread-input"
  | "tls-record"
  | "gone-peer"
  | "http2-unsent-write"
  | "peer-framing"
  | "refused-input"
  | "around-http";

/** The differences, counted minus truth, that a scenario may show. What is not named must be exact. */
export interface Bound {
  readonly name: BoundName;
  readonly allowed: Partial<Record<Field, readonly [least: number, most: number]>>;
}

/** One scenario. */
export interface Scenario {
  readonly group: string;
  readonly name: string;
  readonly bound?: Bound | undefined;
  /** False where this Node cannot do what the scenario is about. */
  readonly supported?: boolean;
  run(): Promise<Outcome>;
}

/** The judgement of one run. */
export interface Verdict {
  readonly kind: "exact" | "bounded" | "wrong";
  /** Counted minus truth, where it is not 0. */
  readonly differences: Partial<Record<Field, number>>;
  /** What is wrong, empty when nothing is. */
  readonly faults: readonly string[];
}

/** Compares what was counted with the truth. */
export function judge(scenario: Scenario, { truth, counted, faults: ownFaults }: Outcome): Verdict {
  const differences: Partial<Record<Field, number>> = {};
  const faults: string[] = [];
  const allowed = scenario.bound?.allowed ?? {};
  for (const field of FIELDS) {
    const difference = valueOf(counted, field) - valueOf(truth, field);
    if (difference !== 0) differences[field] = difference;
    const [least, most] = allowed[field] ?? [0, 0];
    if (difference < least || difference > most)
      faults.push(`${field}: counted ${valueOf(counted, field)}, was ${valueOf(truth, field)}`);
  }
  if (counted.bodies.length !== truth.bodies.length)
    faults.push(`exchanges: counted ${counted.bodies.length}, were ${truth.bodies.length}`);
  else faults.push(...faultsOfEach(truth.bodies, counted.bodies, allowed));
  if (ownFaults > 0) faults.push(`${ownFaults} faults of our own`);
  if (faults.length > 0) return { kind: "wrong", differences, faults };
  return { kind: scenario.bound === undefined ? "exact" : "bounded", differences, faults };
}

function faultsOfEach(truth: readonly Bodies[], counted: readonly Bodies[], allowed: Bound["allowed"]): string[] {
  return truth.flatMap((was, index) => {
    const is = counted[index];
    const wrong =
      (allowed.requestBodies === undefined && is?.request !== was.request) ||
      (allowed.responseBodies === undefined && is?.response !== was.response);
    return wrong ? [`exchange ${index}: counted ${JSON.stringify(is)}, was ${JSON.stringify(was)}`] : [];
  });
}

/** The figure of one field; 0 where there is none. */
export function valueOf(figures: Figures, field: Field): number {
  return READERS[field](figures);
}

const READERS: Readonly<Record<Field, (figures: Figures) => number>> = {
  requestBodies: ({ bodies }) => bodies.reduce((sum, { request }) => sum + request, 0),
  responseBodies: ({ bodies }) => bodies.reduce((sum, { response }) => sum + response, 0),
  messagesReceived: ({ messages }) => messages?.received ?? 0,
  messagesTransmitted: ({ messages }) => messages?.transmitted ?? 0,
  connectionReceived: ({ connection }) => connection?.received ?? 0,
  connectionTransmitted: ({ connection }) => connection?.transmitted ?? 0,
};
