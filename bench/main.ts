/** `npm run bench`: what the parts and the whole cost. Figures are of the machine they are run on; trust ratios. */
import { parseArgs } from "node:util";
import { benchBridge } from "./bridge.ts";
import { benchDashboards } from "./dashboards.ts";
import { benchDecode } from "./decode.ts";
import { benchFold } from "./fold.ts";
import { benchLookup } from "./lookup.ts";
import { type PayloadName, PAYLOADS } from "./payloads.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchPressure } from "./pressure.ts";
import { benchScale } from "./scale.ts";

const USAGE = `npm run bench -- [options]
  --only decode|lookup|fold|pipeline|pressure|bridge|dashboards|scale
                           one bench alone (default: all but pressure, bridge, dashboards and scale)
  --payload a|b|c          the kind of request (default: a)
  --rounds N               rounds counted, after a warm-up (default: 5)
  --seconds N              length of a round of the pipeline; decoders take a tenth (default: 10)
  --connections N          keep-alive connections (default: 8)
  --persist-millis N       METRICS_PERSIST_INTERVAL of the receiver (default: 60000, as shipped; of scale 10000)
  --baseline               the OpenTelemetry Collector alone, without the receiver
  --batch                  the Collector with its batch processor
  --log redis|sqlite       pressure: the receiver's log (default: one after the other)
  --participants N         bridge: pages that are connected (default: 2000)
  --admins N               bridge: admins that watch (default: 20)
  --receivers N,N…         scale: numbers of receivers (default: 1,2,4)
  --series N,N…            scale: numbers of active series (default: 10000,100000)
  --points N               scale: points of a long round, about (default: 1000000)
  --keep                   scale, bridge: keeps the figures, for the model and docs/scale.md
  --outage-seconds N       pressure: how long the SQL server stands still (default: 30)
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
    "persist-millis": { type: "string" },
    baseline: { type: "boolean", default: false },
    batch: { type: "boolean", default: false },
    log: { type: "string" },
    participants: { type: "string", default: "2000" },
    admins: { type: "string", default: "20" },
    receivers: { type: "string", default: "1,2,4" },
    series: { type: "string", default: "10000,100000" },
    points: { type: "string", default: "1000000" },
    keep: { type: "boolean", default: false },
    "outage-seconds": { type: "string", default: "30" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (!Object.hasOwn(PAYLOADS, values.payload)) fail(`--payload: expected a, b or c (got ${values.payload})`);
if (
  values.only !== undefined &&
  !["decode", "lookup", "fold", "pipeline", "pressure", "bridge", "dashboards", "scale"].includes(values.only)
) {
  fail(`--only: expected decode, lookup, fold, pipeline, pressure, bridge, dashboards or scale (got ${values.only})`);
}
const logs = (["redis", "sqlite"] as const).filter((log) => values.log === undefined || values.log === log);
if (logs.length === 0) fail(`--log: expected redis or sqlite (got ${values.log})`);
const payload = values.payload as PayloadName;
const rounds = positive("rounds", values.rounds);
const seconds = positive("seconds", values.seconds);

const wanted = (name: string): boolean => values.only === undefined || values.only === name;
let sound = true;
if (wanted("decode")) benchDecode({ payload, rounds, seconds: seconds / 10 });
if (wanted("lookup")) benchLookup({ payload, rounds });
if (wanted("fold")) benchFold({ payload, rounds });
if (wanted("pipeline")) {
  sound = await benchPipeline({
    payload,
    rounds,
    seconds,
    connections: positive("connections", values.connections),
    persistMillis: positive("persist-millis", values["persist-millis"] ?? "60000"),
    baselineOnly: values.baseline,
    batch: values.batch,
  });
}
if (values.only === "pressure") {
  for (const log of logs) {
    const outageSeconds = positive("outage-seconds", values["outage-seconds"]);
    sound = (await benchPressure({ log, seconds, outageSeconds, connections: 64 })) && sound;
  }
}
if (values.only === "bridge") {
  const participants = positive("participants", values.participants);
  sound = await benchBridge({ participants, admins: positive("admins", values.admins), seconds, keep: values.keep });
}
if (values.only === "dashboards") sound = await benchDashboards();
if (values.only === "scale") {
  sound = await benchScale({
    receivers: positives("receivers", values.receivers),
    series: positives("series", values.series),
    rounds,
    // So that a commit follows soon on what it commits; what is of a minute is worked out from single commits.
    persistMillis: positive("persist-millis", values["persist-millis"] ?? "10000"),
    points: positive("points", values.points),
    keep: values.keep,
  });
}
process.exit(sound ? 0 : 1);

function positives(name: string, text: string): readonly number[] {
  return text.split(",").map((each) => positive(name, each));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) fail(`--${name}: expected a number above 0 (got ${text})`);
  return value;
}

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
