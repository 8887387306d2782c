/**
 * The only way this project connects to Redis. The driver's defaults send a command again when a reply was lost, queue
 * without limit while Redis is away and wait for ever for an answer: a log of what was acknowledged can bear none of it.
 */
import { Redis } from "ioredis";
import type { RedisOptions } from "ioredis";

/** How a connection behaves. All times are milliseconds. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user, password and database if there are any. */
  readonly url: string;
  /** A command without an answer fails after this time, and a connection that is silent for it is cut. Default 5000. */
  readonly commandTimeoutMillis?: number;
  /** An attempt to connect is given up after this time. Default 2000. */
  readonly connectTimeoutMillis?: number;
  /** The longest pause between two attempts to connect. Default 2000. */
  readonly maxReconnectDelayMillis?: number;
  /** A number from 0 up to 1, for the jitter of the pauses. */
  readonly random: () => number;
  /** Told of every fault of the connection; the connection mends itself. */
  readonly onError?: (error: Error) => void;
}

const FIRST_RECONNECT_DELAY_MILLIS = 50;

/**
 * Starts to connect and returns at once. While there is no connection every command fails at once; it is up to the caller
 * to try again. Never throws for a server that cannot be reached.
 */
export function connectRedis(options: RedisConnectionOptions): Redis {
  let leaving = false;
  const redis = new Redis(options.url, {
    ...driverOptions(options),
    // After a fail-over the old primary answers READONLY: connect again, where the name may now lead elsewhere. Once is
    // enough, however many commands are answered so.
    reconnectOnError: (error) => {
      if (leaving || !error.message.startsWith("READONLY")) return false;
      leaving = true;
      return true;
    },
  });
  redis.on("close", () => (leaving = false));
  // Without a listener the driver prints every failed attempt.
  redis.on("error", (error: Error) => options.onError?.(error));
  return redis;
}

function driverOptions(options: RedisConnectionOptions): RedisOptions & { readonly replyMapping: "legacy" } {
  const commandTimeout = options.commandTimeoutMillis ?? 5000;
  const maxDelay = options.maxReconnectDelayMillis ?? 2000;
  return {
    connectionName: "otel-bandwidth",
    replyMapping: "legacy",
    // A command whose reply was lost may have run: sending it again would log the entry twice.
    autoResendUnfulfilledCommands: false,
    // Commands in flight are rejected with the connection, else they would hang until their timeout.
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    commandTimeout,
    // What timed out stays in the socket's buffer: a connection that says nothing is cut, so that the buffer is freed.
    socketTimeout: commandTimeout,
    connectTimeout: options.connectTimeoutMillis ?? 2000,
    maxLoadingRetryTime: maxDelay,
    retryStrategy: (attempt) => reconnectDelayMillis(attempt, maxDelay, options.random),
  };
}

/** The pause before attempt number `attempt` (from 1): doubling up to `maxDelayMillis`, of which half is jitter. */
export function reconnectDelayMillis(attempt: number, maxDelayMillis: number, random: () => number): number {
  const ceiling = Math.min(maxDelayMillis, FIRST_RECONNECT_DELAY_MILLIS * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
