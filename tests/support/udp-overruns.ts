/** Datagrams that this machine itself has lost: on a busy one a reader comes too late, and its socket's buffer overflows. */
import { readFileSync } from "node:fs";

/**
 * How many, since the machine started, of all sockets of this network namespace: that did not fit when they came (`RcvbufErrors` of
 * /proc/net/snmp) or when they were sent (`SndbufErrors`), and at the queue before them (second column of /proc/net/softnet_stat).
 */
export function udpOverruns(): number {
  const [names = [], values = []] = readFileSync("/proc/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Udp: "))
    .map((line) => line.split(" "));
  const counter = (name: string): number => {
    const value = Number(values[names.indexOf(name)]);
    if (!Number.isInteger(value)) throw new Error(`/proc/net/snmp tells no ${name}`);
    return value;
  };
  return counter("RcvbufErrors") + counter("SndbufErrors") + backlogDrops();
}

function backlogDrops(): number {
  const lines = readFileSync("/proc/net/softnet_stat", "utf8").trim().split("\n");
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(" ")[1]!, 16), 0);
}
