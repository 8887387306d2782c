/** What the Collector's configurations promise, as far as their text shows it: no Collector is needed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COLLECTOR_CONFIG } from "../../scripts/otel-collector.ts";
import { SETTING_DEFINITIONS } from "../../src/app/settings.ts";
import { METRICS } from "../../src/model/metric-names.ts";

type Components = Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;

interface Configuration {
  readonly extensions: Components;
  readonly receivers: Components;
  readonly processors: Components;
  readonly exporters: Components;
  readonly service: {
    readonly extensions: readonly string[];
    readonly pipelines: Readonly<Record<string, Readonly<Record<Stage, readonly string[]>>>>;
  };
}

type Stage = "receivers" | "processors" | "exporters";

const STAGES: readonly Stage[] = ["receivers", "processors", "exporters"];
const FILES = readdirSync(COLLECTOR_CONFIG).filter((name) => name !== "builder.yaml");

/** The types of components that a module of the builder's list brings, where they differ from its name. */
const TYPES_OF_MODULES: Readonly<Record<string, string>> = {
  otlpreceiver: "otlp",
  otlpexporter: "otlp_grpc",
  otlphttpexporter: "otlp_http",
  memorylimiterprocessor: "memory_limiter",
  filterprocessor: "filter",
  bearertokenauthextension: "bearertokenauth",
  healthcheckextension: "health_check",
  filestorage: "file_storage",
};

const text = (name: string): string => readFileSync(join(COLLECTOR_CONFIG, name), "utf8");
const configuration = (name: string): Configuration => parse(text(name)) as Configuration;
const typeOf = (id: string): string => id.split("/")[0]!;

function valueAt(component: unknown, ...path: readonly string[]): unknown {
  return path.reduce((value, key) => (value as Record<string, unknown> | undefined)?.[key], component);
}

it("there is one for services, one for many receivers and one beside another backend", () => {
  expect(FILES.toSorted()).toEqual(["agent.yaml", "gateway.yaml", "side-by-side.yaml"]);
});

describe.each(FILES)("%s", (name) => {
  const content = configuration(name);
  const ours = Object.entries(content.exporters).filter(([id]) => id.endsWith("/bandwidth"));

  it("opens with when to use it", () => {
    const comment = text(name).split(/^[^#]/m)[0]!;
    expect(comment).toMatch(/^# Use it when/m);
    expect(comment).toMatch(/otelcol-contrib --config/);
  });

  it("lets exactly the metrics of our table through to the receiver", () => {
    const conditions = content.processors["filter/bandwidth"]!["metric_conditions"] as readonly string[];
    expect(conditions).toEqual([METRICS.map((metric) => `metric.name != "${metric.name}"`).join(" and ")]);
    for (const [, pipeline] of pipelinesTo("/bandwidth")) expect(pipeline.processors).toContain("filter/bandwidth");
  });

  it("answers for nothing that it holds in memory alone", () => {
    expect(ours).toHaveLength(1);
    const queue = valueAt(ours[0]![1], "sending_queue");
    const storage = content.extensions[String(valueAt(queue, "storage"))];
    expect(storage).toMatchObject({ create_directory: true, fsync: true });
    expect(content.service.extensions).toContain(valueAt(queue, "storage"));
    expect(valueAt(ours[0]![1], "retry_on_failure", "max_elapsed_time")).toBe(0);
    // A batch processor answers success for what is in its memory.
    for (const { processors } of Object.values(content.service.pipelines)) {
      expect(processors.map(typeOf)).not.toContain("batch");
      expect(processors[0]).toBe("memory_limiter");
    }
  });

  it("makes no request that the receiver finds too large", () => {
    const batch = valueAt(ours[0]![1], "sending_queue", "batch");
    expect(batch).toMatchObject({ sizer: "bytes" });
    expect(valueAt(batch, "max_size")).toBeLessThan(SETTING_DEFINITIONS.maxBodyBytes.fallback);
  });

  it("has a default for every variable but the token", () => {
    const variables = [...text(name).matchAll(/\$\{env:(\w+)(:-[^}]+)?\}/g)];
    const required = variables.filter(([, , fallback]) => fallback === undefined).map(([, variable]) => variable);
    expect(new Set(required)).toEqual(new Set(["OTLP_TOKEN"]));
  });

  it("uses what it declares, and only what builder.yaml lists", () => {
    const { dist: _, ...kinds } = parse(text("builder.yaml")) as Record<string, readonly { readonly gomod: string }[]>;
    const listed = (kind: string): readonly string[] =>
      kinds[kind]!.map(({ gomod }) => TYPES_OF_MODULES[gomod.split(" ")[0]!.split("/").at(-1)!]!);
    for (const stage of STAGES) {
      const used = Object.values(content.service.pipelines).flatMap((pipeline) => pipeline[stage]);
      expect(new Set(used)).toEqual(new Set(Object.keys(content[stage])));
      expect(listed(stage)).toEqual(expect.arrayContaining(used.map(typeOf)));
    }
    expect(content.service.extensions.toSorted()).toEqual(Object.keys(content.extensions).toSorted());
    expect(listed("extensions")).toEqual(expect.arrayContaining(content.service.extensions.map(typeOf)));
  });

  function pipelinesTo(suffix: string): [string, Readonly<Record<Stage, readonly string[]>>][] {
    const found = Object.entries(content.service.pipelines).filter(([, { exporters }]) =>
      exporters.some((exporter) => exporter.endsWith(suffix)),
    );
    expect(found).not.toEqual([]);
    return found;
  }
});

it("builder.yaml lists components of one version, and none that no configuration uses", () => {
  const {
    dist,
    providers: _,
    ...kinds
  } = parse(text("builder.yaml")) as {
    readonly dist: { readonly version: string };
    readonly providers: unknown;
    readonly [kind: string]: unknown;
  };
  const modules = Object.values(kinds).flatMap((list) => list as readonly { readonly gomod: string }[]);
  const used = new Set(
    FILES.map(configuration).flatMap((content) =>
      [...STAGES, "extensions" as const].flatMap((kind) => Object.keys(content[kind]).map(typeOf)),
    ),
  );
  for (const { gomod } of modules) {
    const [path, version] = gomod.split(" ");
    expect(version).toBe(`v${dist.version}`);
    expect(used).toContain(TYPES_OF_MODULES[path!.split("/").at(-1)!]);
  }
});
