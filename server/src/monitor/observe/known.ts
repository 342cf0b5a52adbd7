import type { WorktreeStatus } from "../../../../protocol/worktrees.ts";
import type { Seen, Told, WorktreeRow } from "../../store/index.ts";
import type { Matches } from "../patterns.ts";
import type { Listed } from "./compare.ts";

/** Files that are kept with what was told of a worktree, for whoever watches after us. */
export const keptFiles = 2_000;
/** What was last told of one worktree. */
export interface Known {
  readonly head: string | null;
  readonly branch: string | null;
  readonly status: WorktreeStatus;
  readonly files: ReadonlyMap<string, Listed>;
  /** How many more files there were. */
  readonly beyond: number;
  /** Of HEAD and the index then; null: another process looked. */
  readonly standing: string | null;
  /** What was left out then. */
  readonly excluded: Matches | null;
  /** Every change before then, in ms since 1970, is told. */
  readonly asOf: number;
  /** The registry has it. */
  readonly kept: boolean;
}

/** As another process told it. */
export const knownFrom = ({ head, branch, status, files, asOf }: Told): Known => ({
  ...{ head, branch, status, standing: null, excluded: null, kept: true },
  ...{ files: new Map(Object.entries(files ?? {})), asOf },
  // Where they were too many to be kept it is not known how many.
  beyond: files === null ? Number.POSITIVE_INFINITY : 0,
});

/** Of a worktree that iMi made just then: whatever is different was done in it since. */
export const knownOfNew = ({ head, branch }: WorktreeRow, madeAt: number): Known => ({
  ...{ head, branch, files: new Map(), beyond: 0, standing: null, excluded: null, asOf: madeAt, kept: false },
  status: { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 },
});

/** To be told: the files as far as they are few. */
export const toTell = ({ head, branch, status, files, asOf }: Known): Pick<Seen, "now" | "asOf"> => ({
  now: {
    ...{ head, branch, status },
    files:
      files.size > keptFiles
        ? null
        : Object.fromEntries([...files].map(([path, { code, print }]) => [path, { code, print }])),
  },
  asOf,
});
