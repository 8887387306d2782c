/** Time as Redis has it, which leases go by. */
import type { Redis } from "ioredis";

/** Waits by the clock of Redis. */
export async function passed(redis: Redis, millis: number): Promise<void> {
  const clock = async (): Promise<number> => {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1000 + Number(micros) / 1000;
  };
  const until = (await clock()) + millis;
  while ((await clock()) <= until);
}
