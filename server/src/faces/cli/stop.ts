import os from "node:os";
import { ImiError } from "../../../../protocol/errors.ts";

export interface Stop {
  readonly signal: AbortSignal;
  /** The exit code a signal asks for, 128 + its number; null while there was none. */
  readonly exitCode: () => number | null;
  readonly dispose: () => void;
}

const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What is taken back sooner needs no word of it, in ms. */
const patienceMs = 500;

/** The first signal asks the work to stop and clean up; the second does not wait for that. `say` tells the user how it goes. */
export const stopOnSignals = (say: (sentence: string) => void): Stop => {
  const controller = new AbortController();
  let code: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    const asked = 128 + os.constants.signals[name];
    if (code !== null) {
      say("Ended at once. The next imi command finishes or takes back what was half done.");
      process.exit(asked);
    }
    code = asked;
    timer = setTimeout(() => say("Cancelling, and taking back what was begun. Ctrl+C again ends at once."), patienceMs);
    controller.abort(new ImiError("operation/cancelled", "Cancelled."));
  };
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => code,
    dispose: () => {
      clearTimeout(timer);
      for (const name of names) process.off(name, onSignal);
    },
  };
};
