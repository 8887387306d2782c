import { describe, expect, it } from "vitest";
import { loadSettings, type LoadedSettings } from "../../src/app/load-settings.ts";
import { isLoopback } from "../../src/app/loopback.ts";
import { SETTING_DEFINITIONS, SETTINGS, type ReceiverSettings } from "../../src/app/settings.ts";

function settingsOf(loaded: LoadedSettings): ReceiverSettings {
  if (loaded.kind === "failure") throw new Error(loaded.faults.join("\n"));
  return loaded.settings;
}

function faultsOf(loaded: LoadedSettings): readonly string[] {
  return loaded.kind === "failure" ? loaded.faults : [];
}

describe("the defaults", () => {
  // Users rely on these: they are written out here, not read from the definitions.
  const DEFAULTS: Readonly<Record<string, unknown>> = {
    METRICS_ENABLED: true,
    METRICS_BUFFER_SIZE: 10_000,
    METRICS_BUFFER_BYTES: 268_435_456,
    METRICS_BATCH_SIZE: 100,
    METRICS_PROCESS_INTERVAL: 5000,
    METRICS_PERSIST_INTERVAL: 60_000,
    METRICS_MAX_SERIES: 10_000,
    METRICS_DELTA_MAX_AGE: 3_600_000,
    REDIS_METRICS_TTL: 300,
    REDIS_URL: undefined,
    REDIS_WAIT_REPLICAS: 0,
    MYSQL_URL: undefined,
    DATA_DIR: "./data",
    OTLP_HOST: "127.0.0.1",
    OTLP_PORT: 4318,
    OTLP_GRPC_PORT: undefined,
    OTLP_TOKEN: undefined,
    OTLP_MAX_BODY_BYTES: 20_971_520,
    TLS_CERT_FILE: undefined,
    TLS_KEY_FILE: undefined,
    BRIDGE_HOST: "127.0.0.1",
    BRIDGE_PORT: 4320,
    BRIDGE_ORIGINS: [],
    BRIDGE_JWT_SECRET: undefined,
    BRIDGE_JWKS_URL: undefined,
    BRIDGE_FORWARD_URL: undefined,
    BRIDGE_FORWARD_TOKEN: undefined,
    BRIDGE_MAX_EVENTS_PER_MINUTE: 120,
    BRIDGE_MAX_EVENT_BYTES: 131_072,
    BRIDGE_MAX_SERIES: 1000,
    BRIDGE_MAX_CONNECTIONS: 10_000,
    BRIDGE_MAX_PENDING_PER_ADDRESS: 100,
    WEBRTC_STATS_INTERVAL: 1000,
    WEBRTC_EMIT_THROTTLE: 10_000,
    WEBRTC_BROADCAST_THROTTLE: 2000,
    WEBRTC_WORKER: true,
    TURN_COST_PER_USER_HOUR: 0.05,
    TURN_COST_PER_GB: 0,
    ALERT_HTTP_P95_MILLIS: 300,
    ALERT_POOR_SHARE: 0.2,
    ALERT_TURN_COST_PER_HOUR: 1,
    ALERT_PACKET_LOSS: 0.05,
    ALERT_ERROR_RATIO: 0.05,
    TENANT_MAX_POINTS_PER_MINUTE: 0,
    TENANT_MAX_BYTES_PER_MINUTE: 0,
    TENANT_MAX_SERIES: 0,
    TENANT_MAX_LOG_SHARE: 1,
    TENANTS_FILE: undefined,
    SHARDS: 1,
  };

  it("are those of the contract, for every setting there is", () => {
    const settings = settingsOf(loadSettings({}));
    const byName = Object.entries(SETTING_DEFINITIONS).map(([key, { name }]) => [
      name,
      settings[key as keyof ReceiverSettings],
    ]);
    expect(Object.fromEntries(byName)).toEqual(DEFAULTS);
  });

  it("are accepted by their own definitions", () => {
    for (const { accepts, fallback } of Object.values(SETTING_DEFINITIONS)) expect(accepts(fallback)).toBe(true);
  });

  it("are shown as documentation shows them", () => {
    expect(SETTINGS.find(({ name }) => name === "REDIS_URL")?.defaultText).toBe("unset");
    expect(SETTINGS.find(({ name }) => name === "METRICS_ENABLED")?.defaultText).toBe("true");
  });
});

describe("a setting", () => {
  it("comes from code before the environment, and from the environment before the default", () => {
    const environment = { METRICS_BATCH_SIZE: "7", SHARDS: "4" };
    const settings = settingsOf(loadSettings(environment, { batchEntries: 9 }));
    expect([settings.batchEntries, settings.shards, settings.otlpPort]).toEqual([9, 4, 4318]);
  });

  it("that is empty or blank in the environment is unset", () => {
    expect(settingsOf(loadSettings({ SHARDS: "", REDIS_URL: "  " }))).toMatchObject({ shards: 1, redisUrl: undefined });
  });

  it("may have blanks around it in the environment", () => {
    expect(settingsOf(loadSettings({ OTLP_PORT: " 0 " })).otlpPort).toBe(0);
  });

  it.each([
    ["METRICS_ENABLED", "False", { metricsEnabled: false }],
    ["TURN_COST_PER_GB", "0.125", { turnCostPerGigabyte: 0.125 }],
    ["REDIS_URL", "rediss://:p@host:1/2", { redisUrl: "rediss://:p@host:1/2" }],
    ["MYSQL_URL", "mysql://u:p@host/db", { mysqlUrl: "mysql://u:p@host/db" }],
    ["OTLP_TOKEN", "12345678", { otlpToken: "12345678" }],
  ])("%s is read from %s", (name, text, expected) => {
    expect(settingsOf(loadSettings({ [name]: text }))).toMatchObject(expected);
  });

  it.each([
    ["METRICS_ENABLED", "yes"],
    ["METRICS_BUFFER_SIZE", "1"],
    ["METRICS_BUFFER_SIZE", "1e4"],
    ["METRICS_BATCH_SIZE", "-1"],
    ["METRICS_PROCESS_INTERVAL", "5s"],
    ["OTLP_PORT", "65536"],
    ["OTLP_PORT", "0x10"],
    ["SHARDS", "1025"],
    ["TURN_COST_PER_GB", "-0.1"],
    ["TURN_COST_PER_GB", "Infinity"],
  ])("%s=%s is refused by its name, with what was expected and what was got", (name, text) => {
    expect(faultsOf(loadSettings({ [name]: text }))).toEqual([
      expect.stringMatching(new RegExp(`^${name}: expected .+ \\(got ${JSON.stringify(text)}\\)$`)),
    ]);
  });

  it.each([
    ["REDIS_URL", "http://user:hidden@host"],
    ["REDIS_URL", "hidden"],
    ["MYSQL_URL", "mysql://user:hidden@host"],
    ["OTLP_TOKEN", "hidden"],
    ["OTLP_TOKEN", "hidden with blanks"],
  ])("%s is a secret: a wrong one is refused without being shown", (name, text) => {
    const faults = faultsOf(loadSettings({ [name]: text }));
    expect(faults).toEqual([
      expect.stringMatching(new RegExp(`^${name}: expected .+ \\(got a value that is not shown\\)$`)),
    ]);
    expect(faults.join()).not.toContain("hidden");
  });

  it("given by code is checked as one from the environment is", () => {
    const faults = faultsOf(loadSettings({}, { shards: 1.5, otlpToken: "hidden", metricsEnabled: "no" as never }));
    expect(faults).toEqual([
      'metricsEnabled: expected true or false (got "no")',
      expect.stringMatching(/^otlpToken: .*not shown/),
      "shards: expected a whole number from 1 to 1024 (got 1.5)",
    ]);
  });

  it("that does not exist is refused when given by code", () => {
    expect(faultsOf(loadSettings({}, { shard: 2 } as never))).toEqual(["shard: there is no such setting"]);
  });
});

describe("the settings together", () => {
  it("have all their faults listed at once, in the order of the documentation", () => {
    const environment = { SHARDS: "0", METRICS_ENABLED: "x", OTLP_PORT: "x", REDIS_URL: "x" };
    const names = faultsOf(loadSettings(environment)).map((fault) => fault.split(":")[0]);
    expect(names).toEqual(["METRICS_ENABLED", "REDIS_URL", "OTLP_PORT", "SHARDS"]);
  });

  it("need a token when OTLP_HOST is not loopback", () => {
    expect(faultsOf(loadSettings({ OTLP_HOST: "0.0.0.0" }))).toEqual([
      'OTLP_HOST: expected a loopback address while OTLP_TOKEN is not set (got "0.0.0.0")',
    ]);
    expect(faultsOf(loadSettings({ OTLP_HOST: "0.0.0.0", OTLP_TOKEN: "12345678" }))).toEqual([]);
  });

  it("need a key for tokens when BRIDGE_HOST is not loopback; OTLP_TOKEN is none", () => {
    const host = { BRIDGE_HOST: "0.0.0.0" };
    expect(faultsOf(loadSettings({ ...host, OTLP_TOKEN: "12345678" }))).toEqual([
      expect.stringMatching(
        /^BRIDGE_HOST: expected a loopback address while BRIDGE_JWT_SECRET and .* \(got "0.0.0.0"\)$/,
      ),
    ]);
    expect(faultsOf(loadSettings({ ...host, BRIDGE_JWT_SECRET: "x".repeat(32) }))).toEqual([]);
    expect(faultsOf(loadSettings({ ...host, BRIDGE_JWKS_URL: "https://id.example.com/jwks.json" }))).toEqual([]);
  });

  it.each([
    ["BRIDGE_ORIGINS", "https://app.example.com/path", false],
    ["BRIDGE_ORIGINS", "https://app.example.com/", false],
    ["BRIDGE_ORIGINS", "app.example.com", false],
    ["BRIDGE_ORIGINS", "https://app.example.com, http://localhost:8080", true],
    ["BRIDGE_ORIGINS", "*", true],
    ["BRIDGE_JWKS_URL", "http://id.example.com/keys", false],
    ["BRIDGE_JWKS_URL", "http://[::1]:8080/keys", true],
    ["BRIDGE_FORWARD_URL", "http://user:secret@collector:4318", false],
    ["BRIDGE_FORWARD_URL", "http://collector:4318", true],
    ["WEBRTC_EMIT_THROTTLE", "0", true],
  ])("%s may be %s: %s", (name, text, expected) => {
    expect(faultsOf(loadSettings({ [name]: text })).length).toBe(expected ? 0 : 1);
  });

  it("need both files of TLS or neither", () => {
    expect(faultsOf(loadSettings({ TLS_CERT_FILE: "a.pem" }))).toEqual([
      expect.stringContaining("expected both or neither"),
    ]);
    expect(faultsOf(loadSettings({ TLS_CERT_FILE: "a.pem", TLS_KEY_FILE: "b.pem" }))).toEqual([]);
  });

  it("cannot be changed afterwards", () => {
    expect(Object.isFrozen(settingsOf(loadSettings({})))).toBe(true);
  });
});

it.each([
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["::1", true],
  ["localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["10.0.0.1", false],
  ["127.example.com", false],
  ["localhost.example.com", false],
])("%s is loopback: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
