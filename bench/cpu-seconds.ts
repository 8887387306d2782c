/** What processes cost: CPU seconds and memory, read from /proc, children included. Linux only. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What a set of process trees has cost so far. */
export interface ProcessCost {
  /** User and system CPU seconds, with those of children that have ended. */
  readonly cpuSeconds: number;
  /** The sum of the highest resident sets so far, bytes. */
  readonly peakBytes: number;
}

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** The cost of these processes and all that descend from them. Throws when one of `roots` has ended. */
export function processCost(...roots: readonly number[]): ProcessCost {
  const childrenOf = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = statFields(Number(entry))?.[1];
    if (parent === undefined) continue;
    const siblings = childrenOf.get(Number(parent)) ?? [];
    siblings.push(Number(entry));
    childrenOf.set(Number(parent), siblings);
  }
  const pending = [...roots];
  let ticks = 0;
  let peakBytes = 0;
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const fields = statFields(pid);
    if (fields === undefined && roots.includes(pid)) throw new Error(`process ${pid} has ended`);
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted from the state, which is field 3.
    for (const field of [11, 12, 13, 14]) ticks += Number(fields?.[field] ?? 0);
    peakBytes += peakResidentBytes(pid);
    pending.push(...(childrenOf.get(pid) ?? []));
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakBytes };
}

/** The fields of /proc/<pid>/stat from the state on; the name before them may hold spaces. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function peakResidentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
