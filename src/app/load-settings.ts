/**
 * Settings from code, environment and defaults, in this order; every fault is found before anything starts.
 */
import { mysqlDatabases } from "../rollup/mysql-address.ts";
import { isLoopback } from "./loopback.ts";
import type { SettingDefinition } from "./setting-definition.ts";
import { SETTING_DEFINITIONS, type ReceiverSettings } from "./settings.ts";

/** Environment variables, as Node has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings, or every fault that was found, one line each. */
export type LoadedSettings =
  | { readonly kind: "success"; readonly settings: ReceiverSettings }
  | { readonly kind: "failure"; readonly faults: readonly string[] };

/** Reads all settings. Empty environment variables count as unset. */
export function loadSettings(environment: Environment, options: Partial<ReceiverSettings> = {}): LoadedSettings {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries(SETTING_DEFINITIONS)) {
    const { name, secret } = definition;
    const given = (options as Record<string, unknown>)[key];
    const text = environment[name]?.trim();
    values[key] = definition.fallback;
    if (given !== undefined) {
      if (definition.accepts(given)) values[key] = given;
      else faults.push(`${key}: expected ${wanted(definition, given)} (got ${shown(given, secret)})`);
    } else if (text !== undefined && text !== "") {
      const value = definition.parse(text);
      if (value === undefined)
        faults.push(`${name}: expected ${wanted(definition, text)} (got ${shown(text, secret)})`);
      else values[key] = value;
    }
  }
  for (const key of Object.keys(options)) {
    if (!(key in SETTING_DEFINITIONS)) faults.push(`${key}: there is no such setting`);
  }
  const settings = Object.freeze(values) as unknown as ReceiverSettings;
  if (faults.length === 0) faults.push(...combinationFaults(settings));
  return faults.length === 0 ? { kind: "success", settings } : { kind: "failure", faults };
}

function wanted({ expected, explain }: SettingDefinition<unknown>, value: unknown): string {
  return (typeof value === "string" ? explain?.(value) : undefined) ?? expected;
}

function shown(value: unknown, secret: boolean): string {
  return secret ? "a value that is not shown" : JSON.stringify(value);
}

function combinationFaults(settings: ReceiverSettings): string[] {
  const faults: string[] = [];
  const { otlpHost, otlpToken, bridgeHost, tlsCertFile, tlsKeyFile } = settings;
  if (!isLoopback(otlpHost) && otlpToken === undefined) {
    faults.push(`OTLP_HOST: expected a loopback address while OTLP_TOKEN is not set (got ${JSON.stringify(otlpHost)})`);
  }
  if (!isLoopback(bridgeHost) && settings.bridgeJwtSecret === undefined && settings.bridgeJwksUrl === undefined) {
    const unset = "BRIDGE_JWT_SECRET and BRIDGE_JWKS_URL are not set";
    faults.push(`BRIDGE_HOST: expected a loopback address while ${unset} (got ${JSON.stringify(bridgeHost)})`);
  }
  const databases = settings.mysqlUrl === undefined ? 1 : mysqlDatabases(settings.mysqlUrl).length;
  if (settings.shards % databases !== 0) {
    faults.push(`SHARDS: expected a multiple of the ${databases} databases in MYSQL_URL (got ${settings.shards})`);
  }
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
    faults.push("TLS_CERT_FILE, TLS_KEY_FILE: expected both or neither (got one)");
  }
  return faults;
}
