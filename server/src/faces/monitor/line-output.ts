import { codeOf } from "../../errno.ts";

/** Lines to a stream that somebody may read slowly, or stop reading. */
export interface LineOutput {
  /** Resolves when the lines are with the reader: whoever writes waits for that, so that nothing piles up here. */
  write(lines: readonly string[]): Promise<void>;
  /** Aborted when nobody reads any more (`| head`); the reason is the stream's error. */
  readonly gone: AbortSignal;
}

/** Raises nothing: what cannot be written any more is for nobody. */
export const lineOutput = (stream: NodeJS.WriteStream): LineOutput => {
  const gone = new AbortController();
  stream.on("error", (error: unknown) => gone.abort(error));
  return {
    gone: gone.signal,
    write: async (lines) => {
      if (lines.length === 0 || gone.signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const over = (): void => resolve();
      gone.signal.addEventListener("abort", over, { once: true });
      stream.write(`${lines.join("\n")}\n`, over);
      await promise;
      gone.signal.removeEventListener("abort", over);
    },
  };
};

/** Whether a stream ended because its reader left, which is no failure. */
export const readerLeft = (reason: unknown): boolean => codeOf(reason) === "EPIPE" || codeOf(reason) === "EIO";
