import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { quoted, readIndex } from "../../git/index.ts";
import type { Restoring, TrashRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { refsUnder } from "../salvage/refs.ts";
import { isThere } from "./files.ts";
import { treeOf } from "./place.ts";

/** Folder and record are in the trash. Raises trash/damaged, naming what is gone and how the work is had all the same. */
export const requireWhole = async (entry: TrashRow): Promise<void> => {
  const { movement, worktree } = entry;
  const missing =
    movement.tree !== null && !(await isThere(treeOf(entry)))
      ? treeOf(entry)
      : movement.record !== null && !(await isThere(entry.record))
        ? entry.record
        : null;
  if (missing === null) return;
  throw new ImiError("trash/damaged", `${worktree.name} cannot be restored as it was: ${missing} is gone.`, {
    hint:
      entry.salvage === null
        ? "Nothing of it was salvaged. Look for a backup of that folder."
        : `Its work is in ${entry.salvage.prefix}/: ${checkoutOf(worktree.name, entry.salvage)}`,
  });
};

/** A clean worktree's salvage has no more than HEAD. */
const checkoutOf = (name: string, { prefix, refs }: Salvage): string => {
  const ref = refs.some((each) => each.ref === "worktree") ? "worktree" : "HEAD";
  return `git worktree add --detach ${quoted(`../${name}`)} ${quoted(`${prefix}/${ref}`)}`;
};

/**
 * What its record names is in the repository: with a HEAD or an index that names what is gone, every `git fetch` and
 * `git gc` of the whole repository would fail. The salvage's refs see to that for as long as nobody deletes them.
 * Raises trash/damaged.
 */
export const requireObjects = async (
  tools: Pick<Tools, "git">,
  repository: Repository,
  entry: TrashRow,
  { branch }: Restoring,
): Promise<void> => {
  if (entry.movement.record === null || (await isPinned(tools, repository, entry))) return;
  const ask = { tools, repository, record: entry.record };
  const head = branch?.commit ?? (await headOf(ask));
  const own = await git(ask, "for-each-ref", "--format=%(objectname)", ...ownRefs);
  const tips = [...(head === null ? [] : [head]), ...own.stdout.split("\n").filter((oid) => oid !== "")];
  if (tips.length > 0 && !(await areThere(ask, tips))) throw damaged(entry, `commit ${tips[0]?.slice(0, 12) ?? ""}`);
  const { state } = await readIndex(tools.git, entry.record, repository.gitDir);
  // One that was damaged when it was removed comes back so.
  if (state === "sound" && !(await areThere(ask, ["--single-worktree", "--indexed-objects"])))
    throw damaged(entry, "what was staged in it");
};

/** Refs of a worktree's own, which its record holds. */
const ownRefs = ["refs/bisect", "refs/worktree", "refs/rewritten"];

interface Ask {
  readonly tools: Pick<Tools, "git">;
  readonly repository: Repository;
  readonly record: string;
}

/** Whether the salvage's refs are all there and hold what they held, and HEAD is still the one they were made for. */
const isPinned = async (
  tools: Pick<Tools, "git">,
  repository: Repository,
  { salvage, record }: TrashRow,
): Promise<boolean> => {
  if (salvage === null) return false;
  const place = { git: tools.git, commonDir: repository.gitDir };
  // git fails where one of them leads to nothing.
  const there = new Map((await refsUnder(place, salvage.prefix).catch(() => [])).map(({ name, oid }) => [name, oid]));
  const [head, pinned] = [await detachedAt(record), salvage.refs.find(({ ref }) => ref === "HEAD")?.commit];
  if (head !== null && head !== pinned) return false;
  return (
    salvage.refs.length > 0 && salvage.refs.every(({ ref, commit }) => there.get(`${salvage.prefix}/${ref}`) === commit)
  );
};

/** null: it is on a branch, whose commits git keeps. */
const detachedAt = async (record: string): Promise<string | null> => {
  const text = (await readFile(join(record, "HEAD"), "utf8").catch(() => "")).trim();
  return /^[0-9a-f]{40,64}$/u.test(text) ? text : null;
};

/** The commit HEAD names, whether it is there or not; null: it has none yet. */
const headOf = async (ask: Ask): Promise<string | null> => {
  const { stdout, exitCode } = await git(ask, "rev-parse", "--quiet", "--verify", "HEAD");
  return exitCode === 0 ? stdout.trim() : null;
};

/** With all that they lead to, as far as no branch or tag has it. */
const areThere = async (ask: Ask, tips: readonly string[]): Promise<boolean> => {
  const limits = ["--not", "--branches", "--tags", "--remotes"];
  const walk = ["rev-list", "--objects", "--quiet", "--exclude-promisor-objects"];
  return (await git(ask, ...walk, ...tips, ...limits)).exitCode === 0;
};

const git = (
  { tools, repository, record }: Ask,
  ...args: string[]
): Promise<{ readonly stdout: string; readonly exitCode: number }> =>
  tools.git.run(repository.gitDir, [`--git-dir=${record}`, `--work-tree=${record}`, ...args], {
    access: "read",
    accept: [0, 1, 128],
  });

const damaged = ({ worktree, salvage, ...entry }: TrashRow, what: string): ImiError => {
  const files =
    entry.movement.tree === null ? "" : ` Its files are all in ${treeOf(entry)}: copy from there what you need.`;
  const refs = salvage === null ? "the refs that kept it" : `${salvage.prefix}/`;
  return new ImiError(
    "trash/damaged",
    `${worktree.name} cannot be restored as it was: ${what} is not in the repository any more.`,
    {
      hint: `Somebody deleted ${refs}, and git collected it.${files} Where another clone, a bundle or a remote has it, fetch it from there and restore again.`,
    },
  );
};
