/** What a case of the corpus is: a body, how it is sent, and what a receiver must make of it. */

/** When the points of a case begin and are, nanoseconds; each case has times of its own. */
export interface CaseTimes {
  readonly start: bigint;
  readonly time: bigint;
}

/** One case. */
export interface HostileBody {
  readonly name: string;
  readonly body: (times: CaseTimes) => Uint8Array | string;
  readonly contentType?: string;
  readonly encoding?: string;
  /** The only right statuses; several where protocols leave the choice. */
  readonly answers: readonly number[];
  /** What it adds to the totals; nothing when absent. */
  readonly adds?: Readonly<Record<string, bigint>>;
  /** `rejected_data_points` of a 200. */
  readonly rejected?: number;
}

/** A case in protobuf that cannot be read. */
export function unreadable(name: string, body: HostileBody["body"], answer: number = 400): HostileBody {
  return { name, body, answers: [answer] };
}

/** A case in protobuf that is read. */
export function readable(
  name: string,
  body: HostileBody["body"],
  outcome: Pick<HostileBody, "adds" | "rejected"> = {},
): HostileBody {
  return { name, body, answers: [200], ...outcome };
}
