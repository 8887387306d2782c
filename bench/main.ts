/** `npm run bench`: what the parts and the whole cost. Figures are of the machine they are run on; trust ratios. */
import { parseArgs } from "node:util";
import { benchDecode } from "./decode.ts";
import { benchFold } from "./fold.ts";
import { type PayloadName, PAYLOADS } from "./payloads.ts";
import { benchPipeline } from "./pipeline.ts";

const USAGE = `npm run bench -- [options]
  --only decode|fold|pipeline  one bench alone (default: all)
  --payload a|b|c          the kind of request (default: a)
  --rounds N               rounds counted, after a warm-up (default: 5)
  --seconds N              length of a round of the pipeline; decoders take a tenth (default: 10)
  --connections N          keep-alive connections (default: 8)
  --persist-millis N       METRICS_PERSIST_INTERVAL of the receiver (default: 60000, as shipped)
  --baseline               the OpenTelemetry Collector alone, without the receiver
  --batch                  the Collector with its batch processor
${Object.values(PAYLOADS)
  .map(({ name, meaning }) => `  payload ${name}: ${meaning}`)
  .join("\n")}`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    payload: { type: "string", default: "a" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    connections: { type: "string", default: "8" },
    "persist-millis": { type: "string", default: "60000" },
    baseline: { type: "boolean", default: false },
    batch: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (!Object.hasOwn(PAYLOADS, values.payload)) fail(`--payload: expected a, b or c (got ${values.payload})`);
if (values.only !== undefined && !["decode", "fold", "pipeline"].includes(values.only)) {
  fail(`--only: expected decode, fold or pipeline (got ${values.only})`);
}
const payload = values.payload as PayloadName;
const rounds = positive("rounds", values.rounds);
const seconds = positive("seconds", values.seconds);

const wanted = (name: string): boolean => values.only === undefined || values.only === name;
let sound = true;
if (wanted("decode")) benchDecode({ payload, rounds, seconds: seconds / 10 });
if (wanted("fold")) benchFold({ payload, rounds });
if (wanted("pipeline")) {
  sound = await benchPipeline({
    payload,
    rounds,
    seconds,
    connections: positive("connections", values.connections),
    persistMillis: positive("persist-millis", values["persist-millis"]),
    baselineOnly: values.baseline,
    batch: values.batch,
  });
}
process.exit(sound ? 0 : 1);

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) fail(`--${name}: expected a number above 0 (got ${text})`);
  return value;
}

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
