/**
 * What is recorded of one request of a client, and under which attributes.
 */

/** A request of a client that is over. */
export interface ClientCall {
  /** As the app gave it. */
  readonly method: string;
  /** `server.address`: a name, or an address without brackets for node:http and with them for undici, as theirs. */
  readonly address: string;
  readonly port: number | undefined;
  /** `url.scheme`; instrumentation-http leaves it out. */
  readonly scheme: string | undefined;
  /** Undefined until it is known. */
  readonly version: string | undefined;
  readonly status: number | undefined;
  /** A number where instrumentation-undici has one: the code of a DOMException. */
  readonly errorType: string | number | undefined;
  /** Body bytes without headers and framing, compressed as on the wire. */
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
}

/** Takes a call whose counts are final. */
export type SettleCall = (call: ClientCall) => void;

/** `error.type` of a response that came: its status, when that is an error for a client. */
export function errorTypeOfStatus(status: number): string | undefined {
  return status >= 400 && status < 600 ? String(status) : undefined;
}
