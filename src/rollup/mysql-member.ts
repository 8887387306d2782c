/**
 * Which member of a replicated group takes writes, and which errors say that it is another one by now.
 */
import type { MysqlSession } from "./mysql-session.ts";

/** A group as one of its members sees it. */
export interface MysqlGroupView {
  /** Of the member that was asked. */
  readonly memberId: string;
  readonly members: readonly MysqlGroupMember[];
}

/** A member of a group. */
export interface MysqlGroupMember {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** `ONLINE`, `RECOVERING`, `OFFLINE`, `ERROR` or `UNREACHABLE`. */
  readonly state: string;
  /** `PRIMARY`, `SECONDARY`, or nothing. */
  readonly role: string;
}

/**
 * What a server answers that takes no writes, or takes no part any more: it is read-only (1290, 1836, 1792), offline (3032, 3918) or
 * shutting down (1053), its group takes no transaction of it (3796 to 3799), or it has no part in its cluster (1047).
 */
const OF_NO_USE = new Set([1047, 1053, 1290, 1792, 1836, 3032, 3796, 3797, 3798, 3799]);

/** What a member answers whose group did not take a commit: the member may be out of it, or the commit larger than the group allows. */
const REFUSED_BY_GROUP = 3100;

/** What is read is older than what is known to be committed: see {@link RollupStore.counterState}. */
export class BehindError extends Error {}

/** Whether an error says that this server is not, or no longer, the one to use. */
export function isOfNoUseHere(error: unknown): boolean {
  return error instanceof BehindError || OF_NO_USE.has(errorNumber(error));
}

/** Whether the group behind this server refused a commit, which says nothing yet of the server. */
export function isRefusedByGroup(error: unknown): boolean {
  return errorNumber(error) === REFUSED_BY_GROUP;
}

function errorNumber(error: unknown): number {
  return error instanceof Error && "errno" in error ? Number(error.errno) : Number.NaN;
}

/** Why the member behind a session is not the one that takes writes; undefined when it is. */
export async function whyNotTheWriter(session: MysqlSession): Promise<string | undefined> {
  const rows = await session.rows(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'innodb_read_only', 'offline_mode')",
    [],
  );
  const on = rows.filter((row) => row["Value"] === "ON").map((row) => String(row["Variable_name"]));
  if (on.length > 0) return `${on.join(", ")} is ON`;
  const view = await groupView(session);
  return view === undefined ? undefined : whyNotTheWriterOf(view);
}

/** The same by what a member says of its group. */
export function whyNotTheWriterOf({ memberId, members }: MysqlGroupView): string | undefined {
  const own = members.find(({ id }) => id === memberId);
  if (own?.state !== "ONLINE") return `it is ${own?.state || "OFFLINE"} in its group`;
  if (own.role !== "PRIMARY") return `it is ${own.role || "no primary"} in its group`;
  const reached = members.filter(({ state }) => state !== "UNREACHABLE");
  // It would take writes, and hold them until the others are back, while they may have elected another.
  if (reached.length * 2 <= members.length) return "it does not reach most of its group";
  // Where several take writes all receivers go to the same one: locks by name and changes of the schema need that.
  const [chosen] = members
    .filter(({ state, role }) => state === "ONLINE" && role === "PRIMARY")
    .sort((left, right) => (left.id < right.id ? -1 : 1));
  return chosen === undefined || chosen === own ? undefined : `${chosen.host}:${chosen.port} is chosen for writes`;
}

/** How the member behind a session sees its group; undefined where there is none, or the user may not know. */
export async function groupView(session: MysqlSession): Promise<MysqlGroupView | undefined> {
  const rows = await session.rows(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'group_replication_group_name')",
    [],
  );
  const named = new Map(rows.map((row) => [String(row["Variable_name"]), String(row["Value"])]));
  if (!named.get("group_replication_group_name")) return undefined;
  try {
    const members = await session.rows(
      `SELECT MEMBER_ID AS id, MEMBER_HOST AS host, MEMBER_PORT AS port, MEMBER_STATE AS state, MEMBER_ROLE AS role
       FROM performance_schema.replication_group_members`,
      [],
    );
    return {
      memberId: named.get("server_uuid") ?? "",
      members: members.map((row) => ({
        id: String(row["id"]),
        host: String(row["host"]),
        port: Number(row["port"]),
        state: String(row["state"]),
        role: String(row["role"]),
      })),
    };
  } catch (error) {
    // Without the right to see the group the server's own word counts: whoever is not the primary is read-only.
    if (errorNumber(error) === 1142) return undefined;
    throw error;
  }
}
