import type { WorktreeStatus } from "../../../../protocol/worktrees.ts";
import type { Seen, Told } from "../../store/index.ts";
import type { Listed } from "./compare.ts";

/** Files that are kept with what was told of a worktree, for whoever watches after us. */
export const keptFiles = 2_000;
/** What was last told of one worktree. */
export interface Known {
  readonly head: string | null;
  readonly branch: string | null;
  readonly status: WorktreeStatus;
  readonly files: ReadonlyMap<string, Listed>;
  /** There were more files than those. */
  readonly cut: boolean;
  /** Of HEAD and the index then; null: another process looked. */
  readonly standing: string | null;
  /** Every change before then, in ms since 1970, is told. */
  readonly asOf: number;
}

/** As another process told it. */
export const knownFrom = ({ head, branch, status, files, asOf }: Told): Known => ({
  ...{ head, branch, status, standing: null },
  ...{ files: new Map(Object.entries(files ?? {})), cut: files === null, asOf },
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
