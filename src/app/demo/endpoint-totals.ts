/**
 * What the demo counts and compares: requests and body bytes, by endpoint.
 */

/** Requests and the bytes of their bodies, as they were sent: compressed, without headers and framing. */
export interface Amounts {
  readonly requests: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
}

/** Amounts by {@link endpointName}. */
export type EndpointTotals = ReadonlyMap<string, Amounts>;

/** Nothing. */
export const NO_AMOUNTS: Amounts = { requests: 0n, bytesIn: 0n, bytesOut: 0n };

/** An endpoint as it is shown: the method, the route as the framework names it, and the status of the answer. */
export function endpointName(method: string, route: string, statusCode: number): string {
  return `${method.padEnd(6)} ${route === "" ? "(no route)" : route} ${statusCode}`;
}

/** The sum of two amounts. */
export function addAmounts(left: Amounts, right: Amounts): Amounts {
  return {
    requests: left.requests + right.requests,
    bytesIn: left.bytesIn + right.bytesIn,
    bytesOut: left.bytesOut + right.bytesOut,
  };
}

/** Adds amounts to one endpoint. */
export function addToEndpoint(totals: Map<string, Amounts>, endpoint: string, amounts: Amounts): void {
  totals.set(endpoint, addAmounts(totals.get(endpoint) ?? NO_AMOUNTS, amounts));
}

/** The sum over all endpoints. */
export function sumOf(totals: EndpointTotals): Amounts {
  return [...totals.values()].reduce(addAmounts, NO_AMOUNTS);
}

/** Whether two amounts are the same to the byte. */
export function sameAmounts(left: Amounts, right: Amounts): boolean {
  return left.requests === right.requests && left.bytesIn === right.bytesIn && left.bytesOut === right.bytesOut;
}
