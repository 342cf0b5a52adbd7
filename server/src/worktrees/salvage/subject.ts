import type { Git } from "../../git/index.ts";
import type { TreeSettings } from "./settings.ts";

/** A working tree to be salvaged, with what git knows of it: the worktree itself, or a repository inside it. */
export interface Subject {
  readonly path: string;
  /** HEAD, index and logs; null where there is none to be believed: then every file counts as untracked. */
  readonly gitDir: string | null;
  /** Branches and objects. */
  readonly commonDir: string;
  readonly settings: TreeSettings;
  /** For messages. */
  readonly name: string;
}

/** One salvage under way. */
export interface Job {
  readonly git: Git;
  /** Common directory of the repository that takes everything. */
  readonly home: string;
  readonly homeSettings: TreeSettings;
  /** git's record of the worktree, wherever it lies now; it holds the repositories of submodules. */
  readonly record: string;
  /** The whole worktree's folder. */
  readonly top: string;
  /** Before a deletion nothing may be left that could not be looked into; before a removal it stays in the trash. */
  readonly before: "removal" | "deletion";
  /** A folder for private git directories. */
  readonly drafts: string;
  /** Where new objects are written: `<home>/objects`, or a throw-away place beside it. */
  readonly objects: string;
  readonly at: Date;
  readonly signal: AbortSignal | undefined;
}

/** What was found to be different from a moment ago: the attempt is repeated. */
export class Changed extends Error {
  override readonly name = "Changed";
}
