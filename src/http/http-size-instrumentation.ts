/**
 * The instrumentation users register: counts the bytes of HTTP servers and clients as OpenTelemetry metrics.
 */

import { diag, metrics, type MeterProvider, type TracerProvider } from "@opentelemetry/api";
import { ConnectionTotals } from "./connection-totals.ts";
import { ClientSizeMetrics } from "./client-size-metrics.ts";
import { FaultGuard } from "./fault-guard.ts";
import { HttpClientCounter } from "./http-client-counter.ts";
import { Http2ServerCounter } from "./http2-server-counter.ts";
import { HttpServerCounter } from "./http-server-counter.ts";
import { MeterInstruments } from "./meter-instruments.ts";
import type { SizeInstruments } from "./size-instruments.ts";
import { SizeMetrics } from "./size-metrics.ts";

/** The scope of our HTTP metrics. */
export const INSTRUMENTATION_SCOPE: { readonly name: string; readonly version: string } = {
  name: "otel-bandwidth/http",
  version: "0.1.0",
};
const { name: NAME, version: VERSION } = INSTRUMENTATION_SCOPE;
const DEFAULT_MAX_ATTRIBUTE_SETS = 1000;

/** Holds the copy of this package that counts: two at once would count every byte twice. */
const OWNER: unique symbol = Symbol.for("otel-bandwidth.http.owner") as never;
const shared = globalThis as { [OWNER]?: object | undefined };

/** Options of {@link HttpSizeInstrumentation}. */
export interface HttpSizeInstrumentationConfig {
  /** Whether to count from construction on. Default true. */
  readonly enabled?: boolean;
  /**
   * Most distinct attribute sets in the process. Further ones lose their `http.route`, so that a route that is not one
   * (a path with ids) cannot fill the memory. Default 1000.
   */
  readonly maxAttributeSets?: number;
}

/**
 * Counts request and response bodies, whole messages and socket totals of every `node:http` and `node:https` server, and the
 * bodies of every client: `node:http`, `node:https`, `fetch` and undici. Has the shape of `Instrumentation` of
 * `@opentelemetry/instrumentation`, for `registerInstrumentations` and sdk-node, without needing that package. Never throws
 * into the host.
 *
 * ```ts
 * new NodeSDK({ instrumentations: [new HttpInstrumentation(), new HttpSizeInstrumentation()] }).start();
 * ```
 */
export class HttpSizeInstrumentation {
  readonly instrumentationName: string = NAME;
  readonly instrumentationVersion: string = VERSION;
  readonly #guard = new FaultGuard();
  readonly #totals = new ConnectionTotals(this.#guard);
  readonly #counter = new HttpServerCounter((exchange) => this.#metrics?.record(exchange), this.#totals, this.#guard);
  readonly #http2Counter = new Http2ServerCounter((exchange) => this.#metrics?.record(exchange), this.#guard);
  readonly #clientCounter = new HttpClientCounter((call) => this.#clientMetrics?.record(call), this.#guard);
  readonly #ownInstruments: SizeInstruments | undefined;
  #config: HttpSizeInstrumentationConfig = {};
  #meterProvider: MeterProvider | undefined = undefined;
  #metrics: SizeMetrics | undefined = undefined;
  #clientMetrics: ClientSizeMetrics | undefined = undefined;

  /**
   * Counts at once unless `config.enabled` is false; metrics go to the global meter provider until one is set.
   * @param ownInstruments for `register` alone: records there, whatever meter provider is set
   */
  constructor(config: HttpSizeInstrumentationConfig = {}, ownInstruments?: SizeInstruments) {
    this.#ownInstruments = ownInstruments;
    this.setConfig(config);
    if (this.#config.enabled === true) this.enable();
  }

  /** How many faults of our own were kept from the host. */
  get faultCount(): number {
    return this.#guard.count;
  }

  /** Starts counting. Does nothing but warn when another copy in this process counts already. */
  enable(): void {
    const owner = shared[OWNER];
    if (owner === this) return;
    if (owner !== undefined) {
      diag.warn(`${NAME}: already counting in this process, so this instance does not`);
      return;
    }
    shared[OWNER] = this;
    this.#guard.wrap(() => {
      this.#makeMetrics();
      this.#counter.start();
      this.#http2Counter.start();
      this.#clientCounter.start();
    })();
  }

  /** Stops counting; requests under way are not recorded. What was counted so far is still exported. */
  disable(): void {
    if (shared[OWNER] !== this) return;
    shared[OWNER] = undefined;
    this.#guard.wrap(() => {
      this.#metrics?.close();
      this.#metrics = undefined;
      this.#clientMetrics = undefined;
      this.#counter.stop();
      this.#http2Counter.stop();
      this.#clientCounter.stop();
    })();
  }

  /** Takes part in the shape only: we make no spans. */
  setTracerProvider(_tracerProvider: TracerProvider): void {}

  /** Moves the instruments to `meterProvider`. */
  setMeterProvider(meterProvider: MeterProvider): void {
    this.#meterProvider = meterProvider;
    if (shared[OWNER] !== this || this.#ownInstruments !== undefined) return;
    this.#guard.wrap(() => {
      this.#metrics?.close();
      this.#makeMetrics();
    })();
  }

  /** Replaces the options; `enabled` is only read by the constructor and by `registerInstrumentations`. */
  setConfig(config: HttpSizeInstrumentationConfig): void {
    this.#config = { enabled: true, maxAttributeSets: DEFAULT_MAX_ATTRIBUTE_SETS, ...config };
    if (this.#metrics !== undefined) this.#metrics.maxAttributeSets = this.#maxAttributeSets;
    if (this.#clientMetrics !== undefined) this.#clientMetrics.maxAttributeSets = this.#maxAttributeSets;
  }

  /** The options in force, with defaults. */
  getConfig(): HttpSizeInstrumentationConfig {
    return this.#config;
  }

  get #maxAttributeSets(): number {
    return this.#config.maxAttributeSets ?? DEFAULT_MAX_ATTRIBUTE_SETS;
  }

  #makeMetrics(): void {
    const instruments = this.#ownInstruments ?? this.#meterInstruments();
    const maxAttributeSets = this.#maxAttributeSets;
    this.#metrics = new SizeMetrics(instruments, { totals: this.#totals, guard: this.#guard, maxAttributeSets });
    this.#clientMetrics = new ClientSizeMetrics(instruments, maxAttributeSets);
  }

  #meterInstruments(): SizeInstruments {
    return new MeterInstruments((this.#meterProvider ?? metrics.getMeterProvider()).getMeter(NAME, VERSION));
  }
}
