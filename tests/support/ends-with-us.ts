/** Servers that tests start do not outlive the process that started them. */
import type { ChildProcess } from "node:child_process";

const running = new Set<ChildProcess>();
let listening = false;

/** Has a child killed when this process exits before it. */
export function endsWithUs(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
  if (listening) return;
  listening = true;
  process.once("exit", () => {
    for (const left of running) left.kill("SIGKILL");
  });
}
