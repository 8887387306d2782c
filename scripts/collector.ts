/** `npm run collector`: builds the OpenTelemetry Collector that tests of `collector-config/` run, where it is not there yet. */
import { buildCollector } from "./otel-collector.ts";

try {
  console.log(await buildCollector());
} catch (error) {
  console.error(`no Collector: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
