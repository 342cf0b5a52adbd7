import { matcher } from "./patterns.ts";

/** Whether monitoring leaves a folder out: its path relative to the worktree. */
export type Excluded = (folder: string) => boolean;

/** By `exclude_patterns` as they are now; asked for at each walk, because settings change. */
export class ExcludedFolders {
  readonly #patterns: () => readonly string[];
  #known = "";
  #excluded: Promise<Excluded> = Promise.resolve(() => false);

  constructor(patterns: () => readonly string[]) {
    this.#patterns = patterns;
  }

  /** Whether they are others than at the last walk. */
  get changed(): boolean {
    return this.#patterns().join("\n") !== this.#known;
  }

  now(): Promise<Excluded> {
    if (this.changed) {
      const patterns = this.#patterns();
      this.#known = patterns.join("\n");
      this.#excluded = matcher(patterns).then((matches) => (folder) => matches(`${folder}/`));
    }
    return this.#excluded;
  }
}
