/**
 * Loaded with `--import` into a receiver under test: its wall clock is ahead by as many days as the query of its own address says
 * (`days`), and each SIGUSR2 moves it on to the next of these shifts, and says so on standard error. The monotonic clock stays what it
 * is, as it does when a machine's time is set.
 */
const DAY_MILLIS = 86_400_000;
const SHIFTS: readonly number[] = [0, DAY_MILLIS, 0, -DAY_MILLIS];

const realNow = Date.now;
let step = 0;
let shift = Number(new URL(import.meta.url).searchParams.get("days") ?? 0) * DAY_MILLIS;

Date.now = () => realNow() + shift;

process.on("SIGUSR2", () => {
  step++;
  shift = SHIFTS[step % SHIFTS.length]!;
  process.stderr.write(`clock step ${step}: shifted by ${shift} ms\n`);
});
