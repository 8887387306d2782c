/**
 * An alert as people see it: in `GET /api/live`, the event `live` and the receiver's messages.
 */

/** An alert as it is shown; times are milliseconds since the Unix epoch. */
export interface LiveAlert {
  readonly rule: string;
  readonly severity: string;
  /** Who it is about, as `column=value` pairs; `all` where a rule has one scope only. */
  readonly scope: string;
  /** `firing` or `resolved`. */
  readonly state: string;
  /** The worst value while it fired, in the rule's unit. */
  readonly value: number;
  readonly threshold: number;
  readonly startedAt: number;
  readonly resolvedAt: number | null;
}
