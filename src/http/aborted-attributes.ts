/**
 * What the duration of an exchange that was cut is to be called, so that it joins with its sizes.
 */

import type { Attributes } from "@opentelemetry/api";
import type { OutgoingMessage } from "node:http";
import { ABORTED_ERROR_TYPE } from "./attribute-sets.ts";
import { EXCHANGE, type Counted } from "./exchange.ts";

/** `attributes` as they are unless the exchange of `response` was aborted: then its `error.type`, and no status that never left. */
export function attributesOfAborted(response: OutgoingMessage | undefined, attributes: Attributes): Attributes {
  const exchange = (response as Counted | undefined)?.[EXCHANGE];
  if (exchange?.aborted !== true) return attributes;
  const { "http.response.status_code": status, ...others } = attributes;
  return {
    ...others,
    ...(exchange.headSent && status !== undefined ? { "http.response.status_code": status } : {}),
    "error.type": ABORTED_ERROR_TYPE,
  };
}
