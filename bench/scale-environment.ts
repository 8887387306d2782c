/** One number of receivers at one number of series: its rounds, and what is measured besides. */
import { loadavg } from "node:os";
import type { FleetMade } from "./fleet-process.ts";
import type { FleetSender } from "./fleet-sender.ts";
import { LiveMarkers } from "./live-markers.ts";
import { ReceiversUnderLoad, type RunningReceiver } from "./receivers-under-load.ts";
import type { ScaleCell, ScaleRound } from "./scale-measurements.ts";
import { POINTS_PER_REQUEST } from "./service-fleet.ts";
import { thousands } from "./statistics.ts";

/** How an environment is started. */
export interface ScaleEnvironmentOptions {
  /** Empty. */
  readonly directory: string;
  readonly receivers: number;
  readonly series: number;
  readonly persistMillis: number;
}

/** One for each of the most receivers: every number of them folds the same shards. */
const SHARDS = 4;
/** Services are spread over shards by a hash, and markers come on top. */
const SERIES_MARGIN = 1.5;
const PERSIST_MARGIN_MILLIS = 400_000;
const LIVE_MARKERS = 6;
const MARKERS_APART_MILLIS = 1300;
const LIVE_MAX_MILLIS = 60_000;
const TAKE_OVER_MAX_MILLIS = 180_000;

/** The receivers, and what they did. */
export class ScaleEnvironment {
  readonly #options: ScaleEnvironmentOptions;
  readonly #running: ReceiversUnderLoad;
  readonly #markers = new LiveMarkers(Date.now());
  readonly #rounds: ScaleRound[] = [];
  readonly #loads: number[] = [loadavg()[0]!];
  #points = 0;
  #peakBytes = 0;
  #liveMillis: readonly number[] = [];
  #takeOverMillis: number | null = null;
  #shardsOfKilled: number | null = null;
  #rowBytes: Readonly<Record<string, number>> = {};
  #sent: FleetMade | undefined;
  #fault: string | null = null;

  private constructor(options: ScaleEnvironmentOptions, running: ReceiversUnderLoad) {
    this.#options = options;
    this.#running = running;
  }

  /** Starts the receivers and their stores. */
  static async start(options: ScaleEnvironmentOptions): Promise<ScaleEnvironment> {
    const maxSeries = Math.ceil((options.series / SHARDS) * SERIES_MARGIN) + 1000;
    const running = await ReceiversUnderLoad.start({
      directory: options.directory,
      receiverCount: options.receivers,
      settings: {
        SHARDS: String(SHARDS),
        METRICS_MAX_SERIES: String(Math.min(1_000_000, maxSeries)),
        METRICS_PERSIST_INTERVAL: String(options.persistMillis),
      },
    });
    return new ScaleEnvironment(options, running);
  }

  /** Sends what was made last, waits until it is in SQL, and notes what that took. */
  async round(sender: FleetSender, made: FleetMade, passes: number, isWarm: boolean): Promise<void> {
    await this.#guarded(async () => {
      const { commits, memory } = this.#running;
      await commits.look();
      const commitsBefore = commits.commits;
      const [cpu, sql] = [this.#running.cpuSeconds(), await this.#running.sqlWork()];
      memory.begin();
      const start = performance.now();
      const sent = await this.#send(sender, made);
      await this.#untilPersisted();
      const wallSeconds = (performance.now() - start) / 1000;
      const [cpuAfter, sqlAfter] = [this.#running.cpuSeconds(), await this.#running.sqlWork()];
      this.#peakBytes = Math.max(this.#peakBytes, this.#running.peakBytes);
      await commits.look();
      this.#rounds.push({
        isWarm,
        passes,
        requests: made.requests,
        points: made.requests * POINTS_PER_REQUEST,
        bytesPerRequest: made.bytesPerRequest,
        cpuSeconds: {
          receivers: rounded(cpuAfter.receivers - cpu.receivers),
          redis: rounded(cpuAfter.redis - cpu.redis),
          sql: rounded(cpuAfter.sql - cpu.sql),
        },
        commits: commits.commits - commitsBefore,
        sqlRows: sqlAfter.rows - sql.rows,
        sqlStatements: sqlAfter.writeStatements - sql.writeStatements,
        sqlRedoBytes: sqlAfter.redoBytes - sql.redoBytes,
        overloaded: sent.overloaded,
        sendSeconds: rounded(sent.seconds),
        wallSeconds: rounded(wallSeconds),
        redisBytes: memory.mostBytes - memory.startBytes,
      });
      this.#loads.push(loadavg()[0]!);
      this.#print(this.#rounds.at(-1)!);
    });
  }

  /** How late the live figures are, asked of another receiver than the one that takes the points. */
  async probeLive(): Promise<void> {
    await this.#guarded(async () => {
      const { receivers } = this.#running;
      const latencies = await this.#markers.latencies({
        url: receivers[0]!.url,
        liveOrigin: receivers.at(-1)!.liveOrigin,
        count: LIVE_MARKERS,
        apartMillis: MARKERS_APART_MILLIS,
        maxMillis: LIVE_MAX_MILLIS,
      });
      this.#liveMillis = latencies.map((millis) => Math.round(millis));
    });
  }

  /** Kills the receiver that owns most shards, with everything just sent uncommitted, and waits until all shards go on. */
  async killOne(sender: FleetSender, made: FleetMade): Promise<void> {
    await this.#guarded(async () => {
      await this.#send(sender, made);
      const { victim, shards } = await mostShards(this.#running.receivers);
      const start = performance.now();
      this.#running.kill(victim);
      const survivor = this.#running.receivers[0] ?? (await this.#running.startReceiver());
      const { url, liveOrigin } = survivor;
      await this.#markers.untilAllShards({ url, liveOrigin, shards: SHARDS, maxMillis: TAKE_OVER_MAX_MILLIS });
      this.#takeOverMillis = Math.round(performance.now() - start);
      this.#shardsOfKilled = shards;
      await this.#untilPersisted();
    });
  }

  /** What was measured. The totals are compared last. */
  async cell(): Promise<ScaleCell> {
    const differences = await this.#compared();
    await this.#guarded(async () => {
      const sizes = await this.#running.tableSizes();
      this.#rowBytes = Object.fromEntries(
        sizes.map(({ name, rows, bytes }) => [name, rows === 0 ? 0 : Math.round(bytes / rows)]),
      );
    });
    for (const difference of differences) console.log(`${this.#name}: ${difference}`);
    return {
      day: new Date().toISOString().slice(0, 10),
      load: [rounded(Math.min(...this.#loads)), rounded(Math.max(...this.#loads))],
      persistMillis: this.#options.persistMillis,
      receivers: this.#options.receivers,
      series: this.#options.series,
      shards: SHARDS,
      rounds: this.#rounds,
      receiverPeakBytes: this.#peakBytes,
      liveMillis: this.#liveMillis,
      takeOverMillis: this.#takeOverMillis,
      shardsOfKilled: this.#shardsOfKilled,
      rowBytes: this.#rowBytes,
      isExact: differences.length === 0,
      fault: this.#fault,
    };
  }

  /** What is wrong with the totals, also where something else ended the environment early. */
  async #compared(): Promise<readonly string[]> {
    if (!this.#sent) return ["nothing was sent"];
    try {
      return await this.#running.differences(this.#sent.totals);
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.#running.stop();
  }

  get #name(): string {
    return `${this.#options.series} series, ${this.#options.receivers} receivers`;
  }

  async #send(sender: FleetSender, made: FleetMade): Promise<{ overloaded: number; seconds: number }> {
    const result = await sender.send(this.#running.receivers.map(({ url }) => url));
    this.#points += result.accepted * POINTS_PER_REQUEST;
    this.#sent = made;
    if (result.accepted !== made.requests || result.partial > 0) {
      throw new Error(`not everything was accepted: ${JSON.stringify(result)}`);
    }
    return result;
  }

  async #untilPersisted(): Promise<void> {
    const maxMillis = this.#options.persistMillis + PERSIST_MARGIN_MILLIS;
    await this.#running.untilPersisted(this.#points + this.#markers.sent, maxMillis);
  }

  /** A fault ends this environment and is noted: the others go on. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.#fault !== null) return;
    try {
      await work();
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error);
      console.log(`${this.#name}: ${this.#fault}`);
    }
  }

  #print({ isWarm, passes, points, cpuSeconds, commits, sqlRows, wallSeconds, overloaded }: ScaleRound): void {
    const { receivers, redis, sql } = cpuSeconds;
    console.log(
      `${this.#name}: ${isWarm ? "" : "warm-up, "}${passes} exports each, ` +
        `${thousands(points / (receivers + redis + sql))} points/CPU-s ` +
        `(receivers ${receivers.toFixed(2)} + redis ${redis.toFixed(2)} + sql ${sql.toFixed(2)} CPU-s), ` +
        `${commits} commits of ${thousands(sqlRows)} rows, ${wallSeconds.toFixed(0)} s, ${overloaded} x 503`,
    );
  }
}

async function mostShards(
  receivers: readonly RunningReceiver[],
): Promise<{ readonly victim: RunningReceiver; readonly shards: number }> {
  const owned = await Promise.all(
    receivers.map(async (receiver) => ({ victim: receiver, shards: await shardsOf(receiver) })),
  );
  return owned.reduce((most, one) => (one.shards > most.shards ? one : most));
}

async function shardsOf({ liveOrigin }: RunningReceiver): Promise<number> {
  const response = await fetch(`${liveOrigin}/metrics`);
  return Number(/^bandwidth_receiver_shards(?:\{[^}]*\})? (\d+)/m.exec(await response.text())?.[1] ?? 0);
}

function rounded(seconds: number): number {
  return Number(seconds.toFixed(2));
}
