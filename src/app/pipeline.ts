/**
 * The whole pipeline on one screen: OTLP in → door → log → fold → totals and realtime → alerts → live view. Stages meet only here.
 */
import type { IMetricReader } from "@opentelemetry/sdk-metrics";
import { AlertEvaluator } from "../alerts/alert-evaluator.ts";
import type { Bridge } from "../bridge/bridge.ts";
import { LiveServer } from "../bridge/live-server.ts";
import { authoriseAdmin } from "../bridge/token-keys.ts";
import type { Clock } from "../model/clock.ts";
import type { RelayPrices } from "../model/relay-prices.ts";
import { retryable, success, type Result, type Retryable } from "../model/result.ts";
import { nameTenant } from "../otlp/name-tenant.ts";
import { createOpenBody } from "../otlp/open-body.ts";
import { walkMetrics } from "../otlp/walk-metrics.ts";
import { Intake, type IntakeOptions } from "../receive/intake.ts";
import type { OtlpGrpcServer } from "../receive/otlp-grpc-server.ts";
import type { OtlpHttpServer } from "../receive/otlp-http-server.ts";
import { alertOptions } from "./alert-options.ts";
import { bridgeKeys, type BridgeKeys } from "./bridge-keys.ts";
import { isLoopback } from "./loopback.ts";
import { openBridge } from "./open-bridge.ts";
import { openDoors } from "./open-doors.ts";
import { openFigures } from "./open-figures.ts";
import { openLivePage } from "./open-live-page.ts";
import { ReceiverHealth } from "./receiver-health.ts";
import { receiverObservers } from "./receiver-observers.ts";
import type { ReceiverSettings } from "./settings.ts";
import { ShardLayouts } from "./shard-layouts.ts";
import { ShardSet } from "./shard-set.ts";
import { openLogStores, openTotalsStore, placesOf, type LogStores, type TotalsStore } from "./stores.ts";
import { Tenants } from "./tenants.ts";
import { readTenantRules } from "./tenants-file.ts";
import { readTlsFiles } from "./tls-files.ts";
import { prepareTotals } from "./totals-places.ts";
import { Upkeep } from "./upkeep.ts";

/** Where a running pipeline listens. */
export interface Listening {
  readonly otlpPort: number;
  /** Undefined: gRPC is off. */
  readonly otlpGrpcPort: number | undefined;
  readonly bridgePort: number;
}

const MAX_CONCURRENT_INFLATIONS = 4;
/** Inflated bytes that requests may hold while they are appended, unless one body alone may be larger: as protobuf, and with its tenant's name. */
const MAX_OPEN_BYTES = 128 * 1024 * 1024;
const CLOSE_DEADLINE_MILLIS = 4000;

/** A receiver's parts, connected. */
export class Pipeline {
  readonly logs: LogStores;
  readonly totals: TotalsStore;
  readonly intake: Intake;
  readonly alerts: AlertEvaluator;
  readonly otlp: OtlpHttpServer;
  readonly otlpGrpc: OtlpGrpcServer | undefined;
  readonly live: LiveServer;
  readonly bridgeKeys: BridgeKeys;
  readonly bridge: Bridge;
  readonly health: ReceiverHealth;
  readonly tenants: Tenants;
  readonly #pageIntake: Intake;
  readonly #settings: ReceiverSettings;
  readonly #report: (message: string) => void;
  readonly #pageDirectory: string | undefined;
  readonly #upkeep: Upkeep;
  readonly #layouts: ShardLayouts<ShardSet>;
  /** Why nothing is taken in, beside what the schema says; undefined: nothing stands against it. */
  #closed: Retryable | undefined;
  /** Beginning to listen: until that is done there is nothing to close. */
  #opening: Promise<Result<Listening>> | undefined;

  private constructor(
    settings: ReceiverSettings,
    clock: Clock,
    report: (message: string) => void,
    logs: LogStores,
    totals: TotalsStore,
    pageDirectory: string | undefined,
  ) {
    const tls = readTlsFiles(settings);
    const prices: RelayPrices = {
      nanosPerUserHour: Math.round(settings.turnCostPerUserHour * 1e9),
      nanosPerGigabyte: Math.round(settings.turnCostPerGigabyte * 1e9),
    };
    const openBody = createOpenBody({
      maxInflatedBytes: settings.maxBodyBytes,
      maxConcurrent: MAX_CONCURRENT_INFLATIONS,
    });
    this.#settings = settings;
    this.#report = report;
    this.#pageDirectory = pageDirectory;
    this.logs = logs;
    this.totals = totals;
    this.health = new ReceiverHealth(settings, clock);
    const { health } = this;
    const totalsOf = totals.of;
    const tenants = new Tenants(settings, clock, () => this.#layouts.shards.logs);
    this.tenants = tenants;
    const parts = { settings, clock, logs, totalsOf, health, tenants, prices, report };
    this.#layouts = new ShardLayouts({
      clock,
      store: totals.layouts,
      wantedShards: settings.shards,
      isAlone: settings.mysqlUrl === undefined,
      databases: totals.databases,
      open: (layout) => new ShardSet({ ...parts, layout }),
      report,
    });
    const gate = (): Result<void> => this.#gate;
    const intakeOptions: IntakeOptions = {
      clock,
      shards: () => this.#layouts.shards,
      openBody,
      walk: walkMetrics,
      maxOpenBytes: Math.max(MAX_OPEN_BYTES, 2 * settings.maxBodyBytes),
      deltaMaxAgeMillis: settings.deltaMaxAgeMillis,
      gate,
      tenants: this.tenants.doorGate,
      nameTenant,
    };
    this.intake = new Intake(intakeOptions);
    const openEvent = createOpenBody({
      maxInflatedBytes: settings.bridgeMaxEventBytes,
      maxConcurrent: MAX_CONCURRENT_INFLATIONS,
    });
    this.#pageIntake = new Intake({ ...intakeOptions, openBody: openEvent });
    const figures = openFigures({
      clock,
      realtime: () => this.#layouts.shards.realtime,
      alerts: () => this.alerts.alerts,
      prices,
      throttleMillis: settings.webrtcBroadcastThrottleMillis,
    });
    const alerting = alertOptions(settings, report);
    this.alerts = new AlertEvaluator({
      ...alerting,
      alertsChanged: (change) => {
        alerting.alertsChanged(change);
        this.bridge.alertsChanged();
      },
      store: totals.alerts,
      clock,
      isOwner: () => this.#layouts.shards.owners[0]!.owns,
    });
    this.#upkeep = new Upkeep({
      clock,
      prepare: () => prepareTotals(placesOf(settings), clock),
      store: totals.store,
      report,
      migrated: async () => {
        await this.#layouts.start();
        if (!this.#closed) await this.alerts.start();
      },
    });
    const doors = openDoors(settings, {
      clock,
      tls,
      tenantTokens: this.tenants.tokens,
      handler: (request) => this.intake.accept(request),
      faulted: (reason) => report(`the door failed: ${reason}`),
    });
    this.otlp = doors.otlp;
    this.otlpGrpc = doors.otlpGrpc;
    this.live = new LiveServer({
      faulted: (reason) => report(`the live view's server failed: ${reason}`),
      host: settings.bridgeHost,
      port: settings.bridgePort,
      authorise: isLoopback(settings.bridgeHost) ? undefined : (token) => authoriseAdmin(this.bridgeKeys.keys, token),
      maxConnections: settings.bridgeMaxConnections,
      tls,
      live: figures.view,
      history: figures.history,
      metrics: () => this.health.metricsPage(),
      ready: () => this.#ready(),
    });
    this.bridgeKeys = bridgeKeys(settings, clock);
    this.bridge = openBridge(settings, {
      live: this.live,
      keys: this.bridgeKeys.keys,
      clock,
      take: (request, page) => this.#pageIntake.accept(request, page),
      openBody: openEvent,
      gate,
      figures: figures.view,
      report,
    });
  }

  /**
   * Opens the stores. Not a success when an embedded store cannot be had; Redis and MySQL may come later.
   * @param pageDirectory where the live page lies, if not where the build writes it
   */
  static open(
    settings: ReceiverSettings,
    clock: Clock,
    report: (message: string) => void,
    pageDirectory?: string,
  ): Result<Pipeline> {
    // Throws, when it does, before anything is open.
    readTlsFiles(settings);
    readTenantRules(settings);
    const logs = openLogStores(settings, report);
    if (logs.kind !== "success") return logs;
    const totals = openTotalsStore(settings, clock);
    if (totals.kind !== "success") {
      void logs.value.close();
      return totals;
    }
    try {
      return success(new Pipeline(settings, clock, report, logs.value, totals.value, pageDirectory));
    } catch (error) {
      // What is open would keep the process alive, or the data folder locked.
      void totals.value.store.close();
      void logs.value.close();
      throw error;
    }
  }

  /**
   * Listens, migrates and starts to fold; `metricReaders` export our own metrics. Retryable `unavailable` when a port cannot be had, and
   * after `stop`.
   */
  async start(metricReaders: readonly IMetricReader[] = []): Promise<Result<Listening>> {
    if (this.#closed) return this.#closed;
    this.#opening = this.#open(metricReaders);
    const listening = await this.#opening;
    if (listening.kind !== "success" || this.#closed) return this.#closed ?? listening;
    if (this.#settings.metricsEnabled) await this.#upkeep.start();
    else this.#closed = retryable("unavailable", "METRICS_ENABLED is false");
    return listening;
  }

  async #open(metricReaders: readonly IMetricReader[]): Promise<Result<Listening>> {
    const intakes = [this.intake, this.#pageIntake];
    const { otlp, otlpGrpc, live, bridge, tenants, totals } = this;
    const { store } = totals;
    const layouts = this.#layouts;
    const observers = receiverObservers({ otlp, otlpGrpc, live, bridge, intakes, layouts, tenants, store });
    this.health.start(observers, metricReaders);
    const otlpPort = await this.otlp.listen();
    if (otlpPort.kind !== "success") return otlpPort;
    const otlpGrpcPort = (await this.otlpGrpc?.listen()) ?? success(undefined);
    if (otlpGrpcPort.kind !== "success") return otlpGrpcPort;
    const page = openLivePage(otlpPort.value, this.#pageDirectory);
    if (page.kind === "success") this.live.setPage(page.value);
    else this.#report(`no live page: ${page.reason}`);
    const bridgePort = await this.live.listen();
    if (bridgePort.kind !== "success") return bridgePort;
    return success({ otlpPort: otlpPort.value, otlpGrpcPort: otlpGrpcPort.value, bridgePort: bridgePort.value });
  }

  /** Whether anything may be taken in: not before SQL has said that it is migrated, and how many shards there are. */
  get #gate(): Result<void> {
    const { state } = this.#upkeep;
    return this.#closed ?? (state.kind === "success" ? this.#layouts.state : state);
  }

  async #ready(): Promise<Result<unknown>> {
    if (this.#gate.kind !== "success") return this.#gate;
    const parts = await Promise.all([this.#layouts.shards.writable(), this.totals.store.ready()]);
    return parts.find(({ kind }) => kind !== "success") ?? success({ status: "ready" });
  }

  /** Reads the certificate again, for connections to come. */
  reloadCertificates(): void {
    const tls = readTlsFiles(this.#settings);
    if (!tls) return;
    this.otlp.setSecureContext(tls);
    this.otlpGrpc?.setSecureContext(tls);
    this.live.setSecureContext(tls);
  }

  /** Reads `TENANTS_FILE` again. Throws when it is wrong: then the limits and tokens stay. */
  reloadTenants(): void {
    this.tenants.reload();
  }

  /** Stops intake, answers what is in flight, folds and commits what the logs hold, and closes everything. */
  async stop(): Promise<void> {
    this.#closed = retryable("unavailable", "the receiver is shutting down");
    this.#upkeep.stop();
    await this.#opening?.catch(() => undefined);
    const doors = [this.otlp, this.otlpGrpc, this.bridge];
    await Promise.all(doors.map(async (door) => door?.close(CLOSE_DEADLINE_MILLIS)));
    await this.alerts.stop();
    await this.#layouts.stop();
    await this.health.stop();
    await this.live.close();
    await this.totals.store.close();
    await this.logs.close();
  }
}
