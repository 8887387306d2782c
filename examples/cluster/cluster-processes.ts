/** The processes of the cluster by name: where they are, and that one which was killed is started again after a while. */
import { setTimeout as pause } from "node:timers/promises";
import type { ReceiverChild } from "../../tests/faults/receiver-child.ts";
import type { ScaleServers } from "../../tests/scale/scale-stores.ts";
import type { Victim } from "../../tests/scale/victim.ts";

/** One process that may be killed. */
export interface ClusterProcess {
  readonly name: string;
  /** What listens where. */
  readonly place: string;
  /** The number of the process that runs now, or ran last. */
  readonly pid: () => number | undefined;
  readonly victim: Victim;
}

/** What there is. */
export interface ClusterProcessesOptions {
  readonly servers: ScaleServers;
  readonly receivers: readonly ReceiverChild[];
  readonly print: (line: string) => void;
}

const LOOK_MILLIS = 200;
/** What a supervisor would take to start a process again; long enough that others take its place meanwhile. */
const RESTART_MILLIS = 8000;

/** All of them. */
export class ClusterProcesses {
  readonly all: readonly ClusterProcess[];
  readonly #print: (line: string) => void;
  readonly #restarts = new Map<ClusterProcess, Promise<void>>();
  #ended = false;

  /** Watches from now on. */
  constructor({ servers, receivers, print }: ClusterProcessesOptions) {
    this.#print = print;
    this.all = [
      ...servers.cluster.nodes.map((node, at) => ({
        name: `redis-${at}`,
        place: `127.0.0.1:${node.port}`,
        pid: () => node.pid,
        victim: node,
      })),
      ...servers.sql.members.map((member, at) => ({
        name: `sql-${at}`,
        place: `127.0.0.1:${member.port}`,
        pid: () => member.pid,
        victim: member,
      })),
      ...receivers.map((receiver, at) => ({
        name: `receiver-${at}`,
        place: `OTLP 127.0.0.1:${receiver.port}, pages 127.0.0.1:${receiver.bridgePort}`,
        pid: () => receiver.pid,
        victim: receiver,
      })),
    ];
    void this.#watch();
  }

  /** The process of this name. */
  named(name: string): ClusterProcess | undefined {
    return this.all.find((one) => one.name === name);
  }

  /** Ends a process as `kill -9` would. */
  kill(name: string): void {
    const pid = this.named(name)?.pid();
    if (pid === undefined) this.#print(`there is no process ${name}`);
    else process.kill(pid, "SIGKILL");
  }

  /** Resolves when everything that was killed runs again; nothing is watched any more. */
  async allThere(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#restarts.values());
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      for (const one of this.all) {
        if (isRunning(one.pid()) || this.#restarts.has(one)) continue;
        const restart = this.#restart(one).finally(() => this.#restarts.delete(one));
        this.#restarts.set(one, restart);
      }
      await pause(LOOK_MILLIS);
    }
  }

  async #restart({ name, pid, victim }: ClusterProcess): Promise<void> {
    this.#print(`${name} (pid ${pid()}) is gone; it is started again in ${RESTART_MILLIS / 1000} s`);
    // It knows that it ended, whoever ended it.
    await victim.kill();
    await pause(RESTART_MILLIS);
    await victim.start();
    this.#print(`${name} runs again (pid ${pid()})`);
  }
}

function isRunning(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
