/** What the scale runs start beside receivers. */
import { findProgram } from "../support/mariadb-server.ts";

/** For the title of what is skipped: which programs are not there. Empty when all are. */
export async function missingPrograms(): Promise<string> {
  const names = ["redis-server", "haproxy", "mariadbd"];
  const found = await Promise.all(names.map((name) => findProgram(name)));
  const lacking = names.filter((_, at) => found[at] === undefined);
  return lacking.length === 0 ? "" : ` (left out: ${lacking.join(" and ")} must be installed)`;
}
