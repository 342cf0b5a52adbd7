import { renameSync, writeFileSync } from "node:fs";
import { chmod, rename } from "node:fs/promises";
import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { fault } from "../../faults.ts";
import type { TrashRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { isThere, seenAt } from "./files.ts";
import { treeOf } from "./place.ts";

/**
 * Whoever still stands in a removed worktree's folder went to the trash with it. git gives the name of the record to the
 * next worktree of that name, and a `git commit` there would go into that one. So in the trash the folder's `.git` lies
 * beside it, and in its place is one that leads nowhere: git stops at it, prints it, and does not look further up.
 */
const hiddenOf = (entry: TrashRow): string => join(entry.place, "dot-git");
const dotGitOf = (entry: TrashRow): string => join(treeOf(entry), ".git");

/** As git prints it: `fatal: not a git repository: /feat-x was removed; `imi restore feat-x` brings it back`. */
const stubOf = ({ id, worktree }: TrashRow): string => {
  const plain = /^[\w.@+-]{1,80}$/u.test(worktree.name);
  const name = plain ? worktree.name : id;
  return `gitdir: /${plain ? name : "this worktree"} was removed; \`imi restore ${name}\` brings it back\n`;
};

/**
 * Takes the way to git from a folder in the trash. Idempotent; what a killed process left of it is gone on with. Never
 * raises: what could not be hidden is in the trash all the same, and is tried again at the next look.
 */
export const hideDotGit = async (tools: Pick<Tools, "log">, entry: TrashRow): Promise<void> => {
  await hide(entry).catch((error: unknown) => {
    tools.log("info", `git still works in ${treeOf(entry)}, which is in the trash: ${ImiError.from(error).message}`);
  });
};

const hide = async (entry: TrashRow): Promise<void> => {
  const [hidden, dotGit] = [hiddenOf(entry), dotGitOf(entry)];
  const isHidden = await isThere(hidden);
  const facts = seenAt(dotGit);
  if (isHidden ? facts !== null : facts?.isFile() !== true) return closed(entry);
  // The stub is made first: where there is no room for it, nothing has been moved.
  const stub = `${hidden}.stub`;
  writeFileSync(stub, stubOf(entry), { mode: 0o644 });
  await opened(entry, async () => {
    if (!isHidden) renameSync(dotGit, hidden);
    fault("remove.hiding");
    renameSync(stub, dotGit);
  });
};

/** Puts it back, in one step; entries of an older iMi have it where it was. Idempotent. Raises path/taken. */
export const showDotGit = async (entry: TrashRow): Promise<void> => {
  if (!(await isThere(hiddenOf(entry)))) return;
  const dotGit = dotGitOf(entry);
  const facts = seenAt(dotGit);
  if (facts !== null && !facts.isFile()) {
    throw new ImiError("path/taken", `Somebody put another ${dotGit} there since it was removed.`, {
      hint: "Move that one away, then restore again. The worktree's own is kept beside it.",
    });
  }
  await opened(entry, () => rename(hiddenOf(entry), dotGit));
};

/** A folder that its owner may not write to has to be, for that moment. */
const opened = async (entry: TrashRow, act: () => Promise<void>): Promise<void> => {
  const { mode } = entry.movement;
  if (mode !== null) await chmod(treeOf(entry), mode | 0o700);
  try {
    await act();
  } finally {
    await closed(entry);
  }
};

const closed = async (entry: TrashRow): Promise<void> => {
  const { mode } = entry.movement;
  if (mode !== null && (await isThere(treeOf(entry)))) await chmod(treeOf(entry), mode);
};
