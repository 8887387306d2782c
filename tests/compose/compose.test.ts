/** What `docker-compose.yml`, `Dockerfile` and `.env.example` must be like. No container engine is needed. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/run-command.ts";
import { loadSettings } from "../../src/app/load-settings.ts";
import { SETTINGS } from "../../src/app/settings.ts";
import { composeFile, textOf } from "./compose-file.ts";

const FILE = composeFile();
const SERVICES = Object.entries(FILE.services);
const COMPOSE_TEXT = textOf("docker-compose.yml");
const DOCKERFILE = textOf("Dockerfile");
const ENV_EXAMPLE = textOf(".env.example");
/** Those that end by themselves. */
const ONE_SHOT = new Set(["grafana-user"]);
const PINNED = /^[\w./-]+:\d+\.\d+(\.\d+)?[\w.-]*$/;

const service = (name: string) => FILE.services[name]!;
const interpolated = (text: string): RegExpMatchArray[] => [
  ...text.matchAll(/\$\{(?<name>\w+)(?<rule>:[?-])?(?<rest>[^}]*)\}/g),
];

it("there are the stores, the receiver, the Collector, Grafana with its user, coturn and a demo", () => {
  const names = ["coturn", "collector", "demo", "grafana", "grafana-user", "mysql", "receiver", "redis"];
  expect(SERVICES.map(([name]) => name).toSorted()).toEqual(names.toSorted());
});

describe.each(SERVICES)("%s", (name, definition) => {
  it("runs as a user that is not root, without privileges, on a root file system that nothing is written to", () => {
    expect(definition.user).toMatch(/^(?!root|0(:|$))[\w:]+$/);
    expect(definition).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    expect(definition.security_opt).toContain("no-new-privileges:true");
    for (const key of ["privileged", "network_mode", "cap_add"] as const) expect(definition[key]).toBeUndefined();
  });

  it("has an image of one version, or is built here from a stage that there is", () => {
    if (definition.build === undefined) expect(definition.image).toMatch(PINNED);
    else expect(DOCKERFILE).toMatch(new RegExp(`^FROM \\S+ AS ${definition.build.target}$`, "m"));
  });

  it("publishes ports on the loopback interface alone", () => {
    for (const port of definition.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+(\/(tcp|udp))?$/);
  });

  it("is known to be healthy, or ends by itself", () => {
    if (ONE_SHOT.has(name)) expect(definition.restart).toBe("no");
    else expect(definition.healthcheck?.test.length).toBeGreaterThan(1);
  });

  it("waits until what it needs is healthy, or has ended well", () => {
    for (const [other, { condition }] of Object.entries(definition.depends_on ?? {})) {
      expect(FILE.services).toHaveProperty([other]);
      expect(condition).toBe(ONE_SHOT.has(other) ? "service_completed_successfully" : "service_healthy");
    }
  });

  it("uses networks and volumes that there are, and files of the repository read-only", () => {
    for (const network of definition.networks) expect(FILE.networks).toHaveProperty([network]);
    for (const volume of definition.volumes ?? []) {
      const [source, , mode] = volume.split(":");
      if (source!.startsWith("./")) expect(mode).toBe("ro");
      else expect(FILE.volumes).toHaveProperty([source!]);
    }
  });
});

it("the services come up in order", () => {
  const needs = (name: string): readonly string[] => Object.keys(service(name).depends_on ?? {}).toSorted();
  expect(needs("receiver")).toEqual(["mysql", "redis"]);
  expect(needs("collector")).toEqual(["receiver"]);
  expect(needs("demo")).toEqual(["collector"]);
  expect(needs("grafana-user")).toEqual(["receiver"]);
  expect(needs("grafana")).toEqual(["grafana-user"]);
});

it("the stores keep what they acknowledge, in volumes, and are not reached from outside", () => {
  const redis = service("redis").command!.join(" ");
  for (const option of ["--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"]) {
    expect(redis).toContain(option);
  }
  expect(service("mysql").command).toContain("--innodb-flush-log-at-trx-commit=1");
  for (const name of ["redis", "mysql"]) {
    expect(service(name)).toMatchObject({ networks: ["stores"] });
    expect(service(name).ports).toBeUndefined();
    expect(service(name).volumes).toHaveLength(1);
  }
  expect(FILE.networks["stores"]).toEqual({ internal: true });
  expect(service("coturn").networks).toEqual(["media"]);
});

describe("secrets", () => {
  const required = interpolated(COMPOSE_TEXT).filter(({ groups }) => groups!["rule"] !== ":-");
  const listed = [...ENV_EXAMPLE.matchAll(/^(\w+)=(.*)$/gm)];

  it("have no default: Compose says which are missing", () => {
    for (const { groups } of required) expect(groups).toMatchObject({ rule: ":?", rest: "see .env.example" });
    for (const [, , value] of listed) expect(value).toBe("");
  });

  it("are all in .env.example, and nothing else is", () => {
    const names = new Set(required.map(({ groups }) => groups!["name"]!));
    expect(listed.map(([, name]) => name!).toSorted()).toEqual([...names].toSorted());
  });

  it("are filled in by the line that .env.example gives", () => {
    const line = /^#\s+(awk .*) > \.env && chmod/m.exec(ENV_EXAMPLE)![1]!;
    const filled = execFileSync("sh", ["-c", line], { cwd: ROOT, encoding: "utf8" });
    const values = [...filled.matchAll(/^\w+=(.*)$/gm)].map(([, value]) => value);
    expect(values).toHaveLength(listed.length);
    expect(new Set(values).size).toBe(listed.length);
    for (const value of values) expect(value).toMatch(/^[0-9a-f]{48}$/);
  });

  it("stay out of the repository and of the images", () => {
    expect(textOf(".gitignore").split("\n")).toContain(".env");
    const allowed = textOf(".dockerignore").trim().split("\n");
    expect(allowed[0]).toBe("*");
    expect(allowed.slice(1).every((entry) => /^![^*]+$/.test(entry))).toBe(true);
    expect(allowed).not.toContain("!.env");
  });

  it("are written nowhere but in variables", () => {
    for (const [, { environment = {} }] of SERVICES) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET|TOKEN|AUTH$/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/);
      }
    }
  });
});

describe("the receiver", () => {
  const environment = service("receiver").environment!;

  it("has settings that there are, with values that it takes", () => {
    const known = SETTINGS.map(({ name }) => name);
    for (const name of Object.keys(environment)) expect(known).toContain(name);
    const values = Object.entries(environment).map(([name, value]) => [name, withSecrets(value)]);
    expect(loadSettings(Object.fromEntries(values) as Record<string, string>)).toMatchObject({ kind: "success" });
  });

  it("keeps to one token with the Collector, which sends where it listens", () => {
    const collector = service("collector").environment!;
    expect(collector["OTLP_TOKEN"]).toBe(environment["OTLP_TOKEN"]);
    const port = SETTINGS.find(({ name }) => name === "OTLP_PORT")!.defaultText;
    expect(collector["RECEIVER_ENDPOINT"]).toBe(`http://receiver:${port}`);
    const variables = interpolated(textOf("collector-config/agent.yaml").replaceAll("${env:", "${"));
    const known = variables.map(({ groups }) => groups!["name"]);
    for (const name of Object.keys(collector)) expect(known).toContain(name);
    expect(service("demo").environment!["OTEL_EXPORTER_OTLP_ENDPOINT"]).toBe("http://collector:4318");
  });
});

it("the demo signs with the bridge's and the TURN server's secrets, and its pages may connect", () => {
  const demo = service("demo");
  const { BRIDGE_JWT_SECRET, BRIDGE_ORIGINS } = service("receiver").environment!;
  expect(demo.environment!["BRIDGE_JWT_SECRET"]).toBe(BRIDGE_JWT_SECRET);
  expect(service("coturn").command).toContain(`--static-auth-secret=${demo.environment!["TURN_SECRET"]}`);
  const published = (name: string): string => service(name).ports![0]!.split(":").slice(0, 2).join(":");
  expect(demo.environment!["BRIDGE_URL"]).toBe(`http://${published("receiver")}`);
  expect(demo.environment!["TURN_URL"]).toBe(`turn:${published("coturn")}?transport=udp`);
  expect(BRIDGE_ORIGINS).toContain(`:-http://${published("demo")}}`);
});

describe("the images", () => {
  it("are made from images of one version", () => {
    const stages = new Set([...DOCKERFILE.matchAll(/ AS (\w+)$/gm)].map(([, name]) => name));
    for (const [, image] of DOCKERFILE.matchAll(/^FROM (\S+)/gm)) {
      if (!stages.has(image)) expect(image).toMatch(PINNED);
    }
  });

  it("end as a user that is not root", () => {
    const stages = new Map(
      DOCKERFILE.split(/^(?=FROM )/m).map((stage) => [/ AS (\w+)$/m.exec(stage)?.[1], stage] as const),
    );
    for (const name of ["receiver", "demo", "collector"]) {
      const stage = stages.get(name)!;
      const parent = stages.get(/^FROM (\w+) /.exec(stage)?.[1]);
      expect(`${parent ?? ""}${stage}`).toMatch(/^USER (node|otelcol)$/m);
    }
  });

  it("have the files that they copy", () => {
    const allowed = textOf(".dockerignore").split("\n");
    for (const [, sources] of DOCKERFILE.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of sources!.split(" ")) {
        expect(existsSync(join(ROOT, source)), source).toBe(true);
        const reached = allowed.some((entry) => `!${source}/`.startsWith(`${entry}/`));
        expect(reached, `${source} in .dockerignore`).toBe(true);
      }
    }
  });

  it("hold the Collector that the configurations are tested with", () => {
    const version = /^ {2}version: (.+)$/m.exec(textOf("collector-config/builder.yaml"))![1];
    expect(DOCKERFILE).toContain(`FROM otel/opentelemetry-collector-contrib:${version} `);
  });
});

describe("Grafana", () => {
  const environment = service("grafana").environment!;

  it("finds the files that are mounted", () => {
    for (const [name, { volumes = [] }] of SERVICES) {
      for (const source of volumes.map((volume) => volume.split(":")[0]!).filter((path) => path.startsWith("./"))) {
        expect(existsSync(join(ROOT, source)), `${name}: ${source}`).toBe(true);
      }
    }
    const home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]!;
    expect(existsSync(join(ROOT, "grafana/dashboards", home.split("/").at(-1)!))).toBe(true);
  });

  it("has every variable that its files read, and of its own only those", () => {
    const files = globSync("grafana/provisioning/**/*.yaml", { cwd: ROOT });
    expect(files).not.toEqual([]);
    const read = files.flatMap((file) => interpolated(textOf(file)).map(({ groups }) => groups!["name"]!));
    const own = Object.keys(environment).filter((name) => !name.startsWith("GF_"));
    expect(own.toSorted()).toEqual([...new Set(read)].toSorted());
  });

  it("reads as the user that grafana-user makes", () => {
    expect(textOf("grafana/sql/grafana-user.sql")).toContain(`TO '${environment["GRAFANA_MYSQL_USER"]}'@'%'`);
    expect(textOf("compose/grafana-user.sh")).toContain(`'${environment["GRAFANA_MYSQL_USER"]}'@'%'`);
  });
});

/** As Compose would fill it in. */
function withSecrets(value: string): string {
  return value.replaceAll(/\$\{\w+(?::-([^}]*)|:\?[^}]*)\}/g, (_, fallback?: string) => fallback ?? "a1".repeat(24));
}
