/** Puts the terminal back before an unexpected error is printed, which would else be lost with the screen. Returns an undo. */
export const restoringOnCrash = (restore: () => void): (() => void) => {
  const crashed = (error: unknown): void => {
    restore();
    process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  };
  process.on("uncaughtException", crashed);
  process.on("unhandledRejection", crashed);
  return () => {
    process.off("uncaughtException", crashed);
    process.off("unhandledRejection", crashed);
  };
};

/**
 * Stops this process as Ctrl+Z does; returns when it is continued. By the signal a terminal sends, which does nothing where
 * no shell could continue it.
 */
export const stopHere = (): void => {
  const handlers = process.listeners("SIGTSTP");
  process.removeAllListeners("SIGTSTP");
  try {
    process.kill(process.pid, "SIGTSTP");
  } finally {
    for (const handler of handlers) process.on("SIGTSTP", handler);
  }
};
