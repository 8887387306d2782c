/** A private Redis with a replica, watched by Sentinels that promote the replica when the primary is away. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { startRedisServer, startReplica, testedProgram, type RedisProgram, type RedisServer } from "./redis-server.ts";
import { askRedis } from "./redis-ask.ts";

/** A primary, its replica, and those who watch them. */
export interface WatchedRedis {
  /** `redis+sentinel://` with every Sentinel, and a user of the servers and one of the Sentinels. */
  readonly url: string;
  readonly sentinels: readonly RedisServer[];
  /** The server that the Sentinels take for the primary. */
  primary(): Promise<RedisServer>;
  /** Resolves when the Sentinels name this server as the primary, and it is one. */
  promoted(server: RedisServer): Promise<void>;
  readonly servers: readonly RedisServer[];
  /** Ends all of them and deletes their data. */
  remove(): Promise<void>;
}

const NAME = "mymaster";
const DOWN_AFTER_MILLIS = 1000;

/** Starts three Sentinels, of which two have to agree, before a primary with one replica. */
export async function startWatchedRedis(): Promise<WatchedRedis> {
  const settings = { user: "receiver on >a ~* &* +@all" };
  const primary = await startRedisServer(settings);
  const servers = [primary, await startReplica(primary, settings)];
  const folder = await mkdtemp(join(testedProgram().folder, "otel-bandwidth-sentinels-"));
  const sentinels = await Promise.all([1, 2, 3].map((number) => startSentinel(folder, number, primary.port)));
  const remove = async (): Promise<void> => {
    await Promise.all([...servers, ...sentinels].map((server) => server.remove()));
    await rm(folder, { recursive: true, force: true });
  };
  const named = async (): Promise<RedisServer | undefined> => {
    const told = await askRedis(sentinels[0]!.port, "INFO sentinel");
    return servers.find(({ port }) => told?.includes(`address=127.0.0.1:${port},`));
  };
  // Only Sentinels that know of each other and of the replica can agree on anything.
  for (const { port } of sentinels) {
    await until(async () => (await askRedis(port, `SENTINEL CKQUORUM ${NAME}`))?.includes("OK 3") === true);
    await until(async () => (await askRedis(port, `SENTINEL REPLICAS ${NAME}`))?.startsWith("*1") === true);
  }
  return {
    url: `redis+sentinel://receiver:a@${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${NAME}?sentinel_user=watcher&sentinel_password=b%26`,
    sentinels,
    servers,
    primary: async () => {
      const found = await named();
      if (found === undefined) throw new Error("the Sentinels name no primary");
      return found;
    },
    promoted: async (server) => {
      await until(async () => (await named()) === server);
      await until(async () => (await askRedis(server.port, "INFO replication"))?.includes("role:master") === true);
    },
    remove,
  };
}

async function startSentinel(folder: string, number: number, primaryPort: number): Promise<RedisServer> {
  const { command, root, folder: data, ...rest } = testedProgram();
  const file = join(folder, `${number}.conf`);
  await writeFile(
    file,
    [
      `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 2`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MILLIS}`,
      `sentinel failover-timeout ${NAME} 3000`,
      "user watcher on >b& ~* &* +@all",
      "",
    ].join("\n"),
  );
  const program: RedisProgram = {
    ...rest,
    command: [...command, `/${relative(root, file)}`, "--sentinel"],
    root,
    folder: data,
  };
  return await startRedisServer({}, program);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
