/**
 * What `REDIS_URL` may say: one server, the nodes of a cluster, or the Sentinels that know which server is the primary.
 */
import { failure, success, type Result } from "../model/result.ts";

/** One host and port. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Who we are to a server. */
export interface RedisCredentials {
  /** The user of an ACL; without one the password is that of `default`. */
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** A `REDIS_URL`, read. */
export interface RedisAddress {
  readonly kind: "server" | "cluster" | "sentinel";
  /** The server, some nodes of the cluster, or some of the Sentinels; one at least. */
  readonly nodes: readonly RedisNode[];
  readonly tls: boolean;
  readonly credentials: RedisCredentials;
  /** 0 of a cluster. */
  readonly database: number;
  /** What the Sentinels call the primary; empty elsewhere. */
  readonly primaryName: string;
  /** Who we are to the Sentinels. */
  readonly sentinelCredentials: RedisCredentials;
}

/** The forms that are understood, in words that follow "expected". */
export const REDIS_ADDRESS_FORMS = "a redis://, rediss://, redis+cluster:// or redis+sentinel:// address";

const FORM =
  /^(?<scheme>rediss?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^/?#]*))?@)?(?<nodes>[^/?#@]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const NODE = /^(?:\[(?<literal>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/;
const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const MAX_NODES = 1000;

/**
 * Reads an address. Failure `invalid`, whose reason follows "expected" and holds nothing of the address: it may be a secret.
 *
 * `redis://user:password@host:port/database`, `redis+cluster://user:password@host:port,host:port`,
 * `redis+sentinel://user:password@host:port,host:port/name/database?sentinel_user=…&sentinel_password=…`; with `rediss` over TLS.
 */
export function parseRedisAddress(text: string): Result<RedisAddress> {
  const parts = FORM.exec(text)?.groups;
  if (parts === undefined) return failure("invalid", REDIS_ADDRESS_FORMS);
  const kind = (parts["kind"] ?? "server") as RedisAddress["kind"];
  const nodes = parseNodes(parts["nodes"] ?? "", kind);
  if (nodes.kind !== "success") return nodes;
  const place = parsePath(parts["path"] ?? "", kind);
  if (place.kind !== "success") return place;
  const credentials = parseCredentials(parts["user"], parts["password"]);
  const sentinelCredentials = parseQuery(parts["query"], kind);
  if (credentials === undefined || sentinelCredentials === undefined) {
    return failure("invalid", "user and password with each special character as %XX, and no options behind a ?");
  }
  return success({
    kind,
    nodes: nodes.value,
    tls: parts["scheme"] === "rediss",
    credentials,
    ...place.value,
    sentinelCredentials,
  });
}

/** An address as it can be printed: nodes, and the name of the primary or the number of the database. */
export function describeRedisAddress({ kind, nodes, database, primaryName }: RedisAddress): string {
  const places = nodes.map(placeOf).join(", ");
  const path = database === 0 ? "" : `/${database}`;
  if (kind === "cluster") return `the cluster of ${places}`;
  return kind === "sentinel" ? `${primaryName}${path}, by the Sentinels ${places}` : `${places}${path}`;
}

/** `host:port`, with an IPv6 address in brackets. */
export function placeOf({ host, port }: RedisNode): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function parseNodes(text: string, kind: RedisAddress["kind"]): Result<readonly RedisNode[]> {
  const texts = text.split(",");
  if (texts.length > MAX_NODES) return failure("invalid", `at most ${MAX_NODES} nodes`);
  if (kind === "server" && texts.length > 1) {
    return failure("invalid", "one host, or redis+cluster:// or redis+sentinel:// before several");
  }
  const nodes: RedisNode[] = [];
  for (const [at, one] of texts.entries()) {
    const found = NODE.exec(one)?.groups;
    const fallback = kind === "sentinel" ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT;
    const port = Number(found?.["port"] ?? fallback);
    const host = found?.["literal"] ?? found?.["host"];
    if (host === undefined || port < 1 || port > 65_535) {
      return failure("invalid", `a host and a port from 1 to 65535, as in host:${fallback}, as node ${at + 1}`);
    }
    nodes.push({ host, port });
  }
  return success(nodes);
}

function parsePath(path: string, kind: RedisAddress["kind"]): Result<Pick<RedisAddress, "database" | "primaryName">> {
  if (kind === "cluster") {
    if (path !== "" && path !== "0") return failure("invalid", "no database behind the nodes: a cluster has one alone");
    return success({ database: 0, primaryName: "" });
  }
  const [name = "", ...rest] = kind === "sentinel" ? path.split("/") : ["", ...path.split("/")];
  const primaryName = decode(name);
  if (kind === "sentinel" && !primaryName) {
    return failure("invalid", "the name that the Sentinels give the primary, as in /mymaster");
  }
  const [database = ""] = rest;
  if (rest.length > 1 || !/^\d{0,5}$/.test(database)) return failure("invalid", "the number of a database at the end");
  return success({ database: Number(database), primaryName: primaryName ?? "" });
}

function parseCredentials(user: string | undefined, password: string | undefined): RedisCredentials | undefined {
  const [decodedUser, decodedPassword] = [decode(user ?? ""), decode(password ?? "")];
  if (decodedUser === undefined || decodedPassword === undefined) return undefined;
  return { user: decodedUser || undefined, password: decodedPassword || undefined };
}

function parseQuery(query: string | undefined, kind: RedisAddress["kind"]): RedisCredentials | undefined {
  const pairs = (query ?? "").split("&").filter((pair) => pair !== "");
  const known = new Map(pairs.map((pair) => [pair.replace(/=.*/s, ""), pair.replace(/^[^=]*=?/, "")]));
  const [user, password] = [known.get("sentinel_user"), known.get("sentinel_password")];
  const knownCount = [user, password].filter((value) => value !== undefined).length;
  if (known.size !== knownCount || (kind !== "sentinel" && known.size > 0)) return undefined;
  return parseCredentials(user, password);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
