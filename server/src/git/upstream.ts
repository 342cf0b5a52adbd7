import type { RefFiles } from "./ref-files.ts";

/** The branch a worktree's branch is pushed to, as far as git's files tell. */
export interface Upstream {
  /** Its full name; as it was asked for where no such ref is plainly there. */
  readonly ref: string;
  /** null: git has to be asked. */
  readonly commit: string | null;
}

/** The upstream git calls by this name, short or full; null where there certainly is no such ref. */
export const upstreamAt = (refs: RefFiles, name: string): Upstream | null => {
  const names = mayBe(name);
  for (const ref of names) {
    const commit = refs.commitOf(ref);
    if (commit !== null) return { ref, commit: ref.startsWith("refs/tags/") ? null : commit };
  }
  return names.every((ref) => refs.look(ref) === null) ? null : { ref: name, commit: null };
};

/** As people know it: origin/main. */
export const shortOf = (ref: string): string => ref.replace(/^refs\/(?:heads\/|remotes\/)?/, "");

/** What a short name may stand for, in git's own order. */
const mayBe = (name: string): string[] =>
  name.startsWith("refs/")
    ? [name]
    : [`refs/${name}`, `refs/tags/${name}`, `refs/heads/${name}`, `refs/remotes/${name}`];
