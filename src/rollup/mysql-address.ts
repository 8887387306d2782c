/**
 * Reads `MYSQL_URL`: one database or several, each on one server or on the members of a replicated group.
 */

/** Between databases: spaces, or a comma before the next address. */
const BETWEEN_DATABASES = /\s+|,\s*(?=mysql:\/\/)/;

/** The databases of a list, in their order: what lies where rests on it. */
export function mysqlDatabases(list: string): readonly string[] {
  return list.split(BETWEEN_DATABASES).filter((url) => url !== "");
}

/**
 * The address of each server of a database: `mysql://user@h1:3306,h2:3306/db` names two. Throws a `TypeError` when there is none.
 */
export function mysqlServers(database: string): readonly string[] {
  const [, scheme = "", authority = "", rest = ""] = /^(mysql:\/\/)([^/?#]*)([^]*)$/.exec(database) ?? [];
  const afterUser = authority.lastIndexOf("@") + 1;
  const hosts = authority.slice(afterUser).split(",");
  const urls = hosts.map((host) => `${scheme}${authority.slice(0, afterUser)}${host}${rest}`);
  if (hosts.includes("") || !urls.every((url) => URL.canParse(url))) throw new TypeError("expected a mysql:// address");
  return urls;
}

/** Whether a text names at least one database, each with a name and with servers of which none is named twice. */
export function isMysqlList(list: string): boolean {
  const databases = mysqlDatabases(list);
  return databases.length > 0 && databases.every(isDatabase) && new Set(databases).size === databases.length;
}

function isDatabase(database: string): boolean {
  try {
    const servers = mysqlServers(database);
    const named = new Set(servers.map((url) => new URL(url).host));
    return named.size === servers.length && servers.every((url) => new URL(url).pathname.length > 1);
  } catch {
    return false;
  }
}

/** Where a database is, for a person, without its password: `h1:3306,h2:3306/db`. */
export function mysqlPlace(database: string): string {
  const servers = mysqlServers(database).map((url) => new URL(url));
  const hosts = servers.map(({ hostname, port }) => `${hostname}${port === "" ? "" : `:${port}`}`);
  const path = servers[0]!.pathname;
  return `${hosts.join(",")}${path === "/" ? "" : path}`;
}
