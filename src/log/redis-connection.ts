/**
 * The only way this project connects to Redis. The driver's defaults send a command again when a reply was lost, queue
 * without limit while Redis is away and wait for ever for an answer: a log of what was acknowledged can bear none of it.
 */
import { Redis } from "ioredis";
import type { RedisOptions } from "ioredis";
import { parseRedisAddress, type RedisAddress } from "./redis-address.ts";

/** How a connection behaves. All times are milliseconds. */
export interface RedisConnectionBehaviour {
  /** Authorities (PEM) that certificates are trusted of, over TLS. Default: those of Node. */
  readonly certificateAuthority?: string;
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

/** Where to connect, and how. */
export interface RedisConnectionOptions extends RedisConnectionBehaviour {
  /** The address of a server or of Sentinels, as {@link parseRedisAddress} reads it. */
  readonly url: string;
}

const FIRST_RECONNECT_DELAY_MILLIS = 50;
/** A command without an answer fails after this time, milliseconds, unless another is given. */
export const DEFAULT_COMMAND_TIMEOUT_MILLIS = 5000;
const DEFAULT_CONNECT_TIMEOUT_MILLIS = 2000;
const DEFAULT_MAX_RECONNECT_DELAY_MILLIS = 2000;

/**
 * Starts to connect and returns at once. While there is no connection every command fails at once; it is up to the caller
 * to try again. Never throws for a server that cannot be reached; throws a TypeError for an address that is not one.
 */
export function connectRedis({ url, ...behaviour }: RedisConnectionOptions): Redis {
  const address = parseRedisAddress(url);
  if (address.kind !== "success") throw new TypeError(`expected ${address.reason}`);
  return connectTo(address.value, behaviour);
}

/**
 * As {@link connectRedis}, to a server or to the primary that Sentinels name, asked again for each attempt to connect. Of a cluster:
 * to its first node.
 */
export function connectTo(address: RedisAddress, options: RedisConnectionBehaviour): Redis {
  let leaving = false;
  const redis = new Redis({
    ...placeOptions(address, options),
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

function placeOptions(address: RedisAddress, options: RedisConnectionBehaviour): RedisOptions {
  const { kind, nodes, tls, credentials, database, primaryName, sentinelCredentials } = address;
  const { user, password } = credentials;
  const security = tls ? { ca: options.certificateAuthority } : undefined;
  const common: RedisOptions = {
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(security && { tls: security }),
    db: database,
  };
  if (kind !== "sentinel") return { ...common, ...nodes[0]! };
  return {
    ...common,
    sentinels: [...nodes],
    name: primaryName,
    ...(sentinelCredentials.user !== undefined && { sentinelUsername: sentinelCredentials.user }),
    ...(sentinelCredentials.password !== undefined && { sentinelPassword: sentinelCredentials.password }),
    ...(security && { sentinelTLS: security, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: options.connectTimeoutMillis ?? DEFAULT_CONNECT_TIMEOUT_MILLIS,
    sentinelRetryStrategy: (attempt) => {
      const maxDelay = options.maxReconnectDelayMillis ?? DEFAULT_MAX_RECONNECT_DELAY_MILLIS;
      return reconnectDelayMillis(attempt, maxDelay, options.random);
    },
  };
}

function driverOptions(options: RedisConnectionBehaviour): RedisOptions & { readonly replyMapping: "legacy" } {
  const commandTimeout = options.commandTimeoutMillis ?? DEFAULT_COMMAND_TIMEOUT_MILLIS;
  const maxDelay = options.maxReconnectDelayMillis ?? DEFAULT_MAX_RECONNECT_DELAY_MILLIS;
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
    connectTimeout: options.connectTimeoutMillis ?? DEFAULT_CONNECT_TIMEOUT_MILLIS,
    maxLoadingRetryTime: maxDelay,
    retryStrategy: (attempt) => reconnectDelayMillis(attempt, maxDelay, options.random),
  };
}

/** The pause before attempt number `attempt` (from 1): doubling up to `maxDelayMillis`, of which half is jitter. */
export function reconnectDelayMillis(attempt: number, maxDelayMillis: number, random: () => number): number {
  const ceiling = Math.min(maxDelayMillis, FIRST_RECONNECT_DELAY_MILLIS * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

/** Resolves when the connection is ready; rejects with the next fault that keeps it from being so. */
export async function reached(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  const settled = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      const ending = (event: string, act: (error: Error) => void): void => {
        redis.once(event, act);
        settled.signal.addEventListener("abort", () => redis.off(event, act));
      };
      ending("ready", () => resolve());
      ending("error", reject);
      ending("end", () => reject(new Error("the connection to Redis was closed")));
    });
  } finally {
    settled.abort();
  }
}
