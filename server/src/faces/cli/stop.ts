import os from "node:os";
import { ImiError } from "../../../../protocol/errors.ts";

export interface Stop {
  readonly signal: AbortSignal;
  /** The exit code a signal asks for, 128 + its number; null while there was none. */
  readonly exitCode: () => number | null;
  readonly dispose: () => void;
}

const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal asks the work to stop and clean up; the second does not wait for that. */
export const stopOnSignals = (): Stop => {
  const controller = new AbortController();
  let code: number | null = null;
  const onSignal = (name: NodeJS.Signals): void => {
    const asked = 128 + os.constants.signals[name];
    if (code !== null) process.exit(asked);
    code = asked;
    controller.abort(new ImiError("operation/cancelled", "Cancelled."));
  };
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => code,
    dispose: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
};
