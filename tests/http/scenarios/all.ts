/**
 * Every scenario, in the order of the table.
 */

import { ABORTS } from "./aborts.ts";
import { CONNECTIONS } from "./connections.ts";
import { FETCH_CLIENT } from "./fetch-client.ts";
import { HTTP2 } from "./http2.ts";
import { NODE_CLIENT } from "./node-client.ts";
import { REQUESTS } from "./requests.ts";
import { RESPONSES } from "./responses.ts";
import type { Scenario } from "./scenario.ts";
import { TLS } from "./tls.ts";

/** All scenarios. */
export const SCENARIOS: readonly Scenario[] = [
  ...RESPONSES,
  ...REQUESTS,
  ...CONNECTIONS,
  ...ABORTS,
  ...TLS,
  ...HTTP2,
  ...NODE_CLIENT,
  ...FETCH_CLIENT,
];
