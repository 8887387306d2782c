/**
 * Ctrl-C and SIGTERM during the demo: the first ends it in order, a second at once.
 */
import { constants } from "node:os";

/** A wish to end that may come. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** The exit code a shell expects after the signal; undefined while none came. */
  exitCode(): number | undefined;
  /** Stops listening. */
  end(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const SIGNAL_EXIT_BASE = 128;

/** Listens for the signals. After the first they end the process as they do by default. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const end = (): void => {
    for (const name of SIGNALS) process.off(name, interrupt);
  };
  const interrupt = (name: NodeJS.Signals): void => {
    exitCode = SIGNAL_EXIT_BASE + constants.signals[name];
    end();
    controller.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return { signal: controller.signal, exitCode: () => exitCode, end };
}
