/**
 * Puts the live table on the screen: redrawn in place on a terminal, else a line every few seconds.
 */
import type { LiveView } from "../../realtime/live-view.ts";
import { liveLine, liveTable, type Progress } from "./live-table.ts";

/** Where the display reads and writes. */
export interface LiveDisplayOptions {
  readonly output: NodeJS.WriteStream;
  /** The live view now; undefined when it cannot be had or has nothing to show. */
  readonly live: () => Promise<LiveView | undefined>;
  readonly progress: () => Progress;
}

const REDRAW_INTERVAL_MILLIS = 1000;
const LINE_INTERVAL_MILLIS = 5000;
/** The size of a terminal that does not tell its own. */
const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 24;
const ERASE_BELOW = "\u001b[J";
const MOVE_UP = (lines: number): string => `\u001b[${lines}A\r`;

/** The display. */
export class LiveDisplay {
  readonly #options: LiveDisplayOptions;
  #timer: NodeJS.Timeout | undefined;
  #drawnLines = 0;

  constructor(options: LiveDisplayOptions) {
    this.#options = options;
  }

  /** Begins to draw. */
  start(): void {
    const interval = this.#options.output.isTTY ? REDRAW_INTERVAL_MILLIS : LINE_INTERVAL_MILLIS;
    this.#timer = setInterval(() => void this.#draw(), interval);
    if (this.#options.output.isTTY) void this.#draw();
  }

  /** Prints a line that stays, above the table. */
  print(line: string): void {
    this.#erase();
    this.#options.output.write(`${line}\n`);
  }

  /** Ends drawing and takes the table off the screen. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  async #draw(): Promise<void> {
    const { output, live, progress } = this.#options;
    const view = await live();
    // Stopped in between.
    if (this.#timer === undefined) return;
    if (!output.isTTY) {
      output.write(`${liveLine(view, progress())}\n`);
      return;
    }
    // A line that wraps would take two rows and leave one behind, and so would a table higher than the screen.
    const lines = liveTable(view, progress())
      .slice(0, (output.rows || DEFAULT_ROWS) - 1)
      .map((line) => line.slice(0, (output.columns || DEFAULT_COLUMNS) - 1));
    this.#erase();
    output.write(lines.map((line) => `${line}\n`).join(""));
    this.#drawnLines = lines.length;
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#options.output.write(MOVE_UP(this.#drawnLines) + ERASE_BELOW);
    this.#drawnLines = 0;
  }
}
