/**
 * Says in plain words why a MySQL or MariaDB database cannot be used, and how to mend it.
 */
import { messageOf } from "../model/result.ts";

/** The address without its password. */
type Address = Pick<URL, "hostname" | "port" | "username" | "pathname">;

/** One sentence or two: what the driver reported, what it means, what to do. */
export function explainMysqlFault(error: unknown, address: Address): string {
  const code = codeOf(error);
  const meaning = meaningOf(code, address);
  const text = messageOf(error);
  if (meaning !== undefined) return `${meaning} (${text})`;
  return text.startsWith("no answer within") ? `${noAnswer(address)} (${text})` : text;
}

function codeOf(error: unknown): string {
  // Where a name has several addresses, the driver reports all of its attempts in one error.
  if (error instanceof AggregateError && !("code" in error)) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function meaningOf(code: string, address: Address): string | undefined {
  const user = decodeURIComponent(address.username) || "the user";
  const database = address.pathname.slice(1);
  const grant = `GRANT ALL PRIVILEGES ON \`${database}\`.* TO '${user}'@'<host>'`;
  switch (code) {
    case "ER_ACCESS_DENIED_ERROR":
    case "ER_ACCESS_DENIED_NO_PASSWORD_ERROR":
      return `the password of ${user} is wrong, or there is no such user for this host: correct MYSQL_URL`;
    case "ER_DBACCESS_DENIED_ERROR":
      return `${user} may not use the database ${database}, or there is none: create it and ${grant}`;
    case "ER_BAD_DB_ERROR":
      return `there is no database ${database}: CREATE DATABASE \`${database}\`, or correct MYSQL_URL`;
    case "ER_TABLEACCESS_DENIED_ERROR":
    case "ER_SPECIFIC_ACCESS_DENIED_ERROR":
      return `${user} lacks a permission: ${grant}`;
    case "ER_HOST_NOT_PRIVILEGED":
      return "the server lets nobody in from this host: create the user for this host";
    case "ER_CON_COUNT_ERROR":
      return "the server has no connection left: raise its max_connections, or end what holds them";
    case "ECONNREFUSED":
      return `nothing listens at ${address.hostname}:${address.port || 3306}: start the server, or correct MYSQL_URL`;
    case "ENOTFOUND":
      return `there is no host ${address.hostname}: correct MYSQL_URL`;
    case "EAI_AGAIN":
      return `the name ${address.hostname} could not be looked up: correct MYSQL_URL, or mend the name service`;
    case "ETIMEDOUT":
      return noAnswer(address);
    default:
      return undefined;
  }
}

function noAnswer({ hostname, port }: Address): string {
  return `${hostname}:${port || 3306} does not answer: look for a firewall, or for a server that is stuck`;
}
