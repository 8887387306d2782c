/** What is told of a cell of the scale bench, as text: the bench prints it and `docs/scale.md` has it as a table. */
import type { ScaleCell, ScaleRound } from "./scale-measurements.ts";
import { median } from "./statistics.ts";

/** All CPU seconds of a round. */
export function cpuSecondsOf({ cpuSeconds }: ScaleRound): number {
  return cpuSeconds.receivers + cpuSeconds.redis + cpuSeconds.sql;
}

/** The rounds that count. */
export function warmRounds({ rounds }: ScaleCell): readonly ScaleRound[] {
  return rounds.filter(({ isWarm }) => isWarm);
}

/** The columns of a cell: what each is called and what it says; `-` for what was not measured. */
export function cellFigures(cell: ScaleCell): readonly (readonly [name: string, text: string])[] {
  const warm = warmRounds(cell);
  const most = Math.max(0, ...warm.map(({ passes }) => passes));
  const long = warm.filter(({ passes }) => passes === most);
  return [
    [
      "thousand points a CPU-second",
      spread(
        long.map((round) => round.points / cpuSecondsOf(round) / 1000),
        0,
      ),
    ],
    ["of the CPU time receivers, Redis, SQL", shares(long)],
    [
      "row writes a commit of all series",
      spread(
        wholeCommits(cell).map(({ sqlRows }) => sqlRows),
        0,
      ),
    ],
    [
      "write statements for it",
      spread(
        wholeCommits(cell).map(({ sqlStatements }) => sqlStatements),
        0,
      ),
    ],
    ["Redis, most", megabytes(warm.map(({ redisBytes }) => redisBytes))],
    ["largest receiver, most", cell.receiverPeakBytes === 0 ? "-" : megabytes([cell.receiverPeakBytes])],
    [
      "live after",
      spread(
        cell.liveMillis.map((millis) => millis / 1000),
        1,
        " s",
      ),
    ],
    ["taken over after", cell.takeOverMillis === null ? "-" : `${(cell.takeOverMillis / 1000).toFixed(1)} s`],
  ];
}

/** Rounds with one commit a shard: what they wrote is what a commit of all series writes. */
export function wholeCommits(cell: ScaleCell): readonly ScaleRound[] {
  return warmRounds(cell).filter(({ commits }) => commits === cell.shards);
}

function shares(rounds: readonly ScaleRound[]): string {
  if (rounds.length === 0) return "-";
  const part = (name: "receivers" | "redis" | "sql"): string => {
    const share = median(rounds.map((round) => round.cpuSeconds[name] / cpuSecondsOf(round)));
    return `${(100 * share).toFixed(0)} %`;
  };
  return `${part("receivers")}, ${part("redis")}, ${part("sql")}`;
}

/** `273 [241 to 293]`. */
function spread(values: readonly number[], digits: number, unit: string = ""): string {
  if (values.length === 0) return "-";
  const text = (value: number): string => value.toFixed(digits);
  const middle = `${text(median(values))}${unit}`;
  if (values.length === 1) return middle;
  return `${middle} [${text(Math.min(...values))} to ${text(Math.max(...values))}]`;
}

function megabytes(bytes: readonly number[]): string {
  return bytes.length === 0 ? "-" : `${(Math.max(...bytes) / 1e6).toFixed(0)} MB`;
}
