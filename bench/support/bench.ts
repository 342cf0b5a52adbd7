import type { Line } from "./line.ts";

/** What the command line said; a bench reads what concerns it and has its own values for the rest. */
export interface BenchOptions {
  /** Folder to work in: one in memory, because the disk of a virtual machine says more about its neighbours. */
  readonly dir: string;
  readonly rounds: number | undefined;
  /** Sizes of the repositories, in files. */
  readonly files: readonly number[] | undefined;
  readonly worktrees: readonly number[] | undefined;
  readonly events: number | undefined;
  /** Where progress goes; never into the table. */
  readonly say: (text: string) => void;
}

/** One measurement script. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  /** Yields each line as soon as it is measured. Throws when what it measures answers wrongly, never for being slow. */
  measure(options: BenchOptions): AsyncIterable<Line>;
}
