import { createInterface } from "node:readline/promises";

/** Asks on the terminal; only `y` and `yes` mean yes. The question goes to stderr: stdout is the answer's. */
export const confirm = async (question: string, signal: AbortSignal): Promise<boolean> => {
  // terminal: false leaves the terminal in its own line mode, in which Ctrl+C is a signal as everywhere else.
  const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    const ended = new Promise<string>((resolve) => {
      reader.once("close", () => {
        resolve("");
      });
    });
    const answer = await Promise.race([reader.question(`${question} [y/N] `, { signal }), ended]);
    return /^\s*y(es)?\s*$/iu.test(answer);
  } finally {
    reader.close();
  }
};
