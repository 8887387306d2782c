/** Faults between the processes: bytes cut off, held back or late, one way or both. */
import { setTimeout as pause } from "node:timers/promises";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import type { Fault, Scene } from "./run-cycle.ts";
import { ServerStores } from "./stores.ts";

/** Puts every kind of fault on a connection, one after the other. */
async function breakInTurn(proxy: TcpProxy, { load, random, size }: Scene): Promise<string> {
  const millis = (): number => (size.short ? random.integer(50, 150) : random.integer(500, 8000));
  const kinds = ["requests cut", "replies cut", "both cut", "requests stalled", "replies stalled", "late"] as const;
  for (const kind of kinds) {
    const met = (): number => proxy.broken + proxy.held;
    const before = met();
    if (kind === "late") proxy.delay(random.integer(5, 50));
    else {
      const flow = kind.endsWith("cut") ? "cut" : "stall";
      if (!kind.startsWith("replies")) proxy.requests(flow);
      if (!kind.startsWith("requests")) proxy.replies(flow);
      await load.until(() => met() > before, `bytes to meet "${kind}"`);
    }
    await pause(millis());
    proxy.requests("pass");
    proxy.replies("pass");
    proxy.delay(0);
    await load.acknowledges(size.batches / 4);
  }
  return `${proxy.broken} connections cut, ${proxy.held} times bytes held`;
}

function serversOf({ stores }: Scene): ServerStores {
  if (!(stores instanceof ServerStores)) throw new Error("this needs servers");
  return stores;
}

const SENDERS: Fault = {
  name: "partition senders - receiver",
  backends: ["servers", "embedded"],
  async inject(scene) {
    scene.witness(await breakInTurn(scene.doors[0]!, scene));
  },
};

const REDIS: Fault = {
  name: "partition receiver - Redis",
  backends: ["servers"],
  async inject(scene) {
    scene.witness(await breakInTurn(serversOf(scene).redisProxies[0]!, scene));
  },
};

const SQL: Fault = {
  name: "partition receiver - SQL",
  backends: ["servers"],
  async inject(scene) {
    scene.witness(await breakInTurn(serversOf(scene).sqlProxies[0]!, scene));
  },
};

const LOST_COMMIT: Fault = {
  name: "connection lost in COMMIT",
  backends: ["servers"],
  async inject(scene) {
    const { load, size, witness } = scene;
    const proxy = serversOf(scene).sqlProxies[0]!;
    const count = size.short ? 3 : 20;
    for (let left = count; left > 0; left--) {
      for (const moment of ["reply", "request"] as const) {
        let lost = false;
        proxy.once("COMMIT", moment, () => {
          lost = true;
          return "cut";
        });
        await load.until(() => lost, "a COMMIT");
      }
    }
    witness(`${count} requests and ${count} replies lost`);
  },
};

/** The faults of this file. */
export const NETWORK_FAULTS: readonly Fault[] = [SENDERS, REDIS, SQL, LOST_COMMIT];
