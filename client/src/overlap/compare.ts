import { Uri, l10n, window } from "vscode";
import path from "node:path";
import type { SharedFile } from "../../../protocol/overlap.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { printable } from "../amounts.ts";
import { openSide, openSides, repositoryOf } from "../changes/compare.ts";
import { type Sides, sidesOf } from "../changes/sides.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { notHere } from "../worktrees/not-here.ts";
import { pairTitle } from "./labels.ts";
import type { Pair } from "./overlap-list.ts";

/** A file that two worktrees changed, by its name in each; null where it is deleted. */
export interface TwoFiles {
  readonly a: { readonly worktree: Worktree; readonly path: string | null };
  readonly b: { readonly worktree: Worktree; readonly path: string | null };
  /** As it was called where both come from. */
  readonly path: string;
}

export function twoFiles(list: WorktreeList, pair: Pair, file: SharedFile): TwoFiles {
  const side = (name: string, { path: now, change }: SharedFile["a"]): TwoFiles["a"] => ({
    worktree: worktreeNamed(list, pair.repository.id, name),
    path: change === "deleted" ? null : now,
  });
  return { a: side(pair.a, file.a), b: side(pair.b, file.b), path: file.path };
}

export function worktreeNamed(list: WorktreeList, repository: string, name: string): Worktree {
  const worktree = list.worktrees(repository).find((each) => each.name === name);
  if (worktree !== undefined) return worktree;
  throw notHere(name);
}

/** Opens what one worktree has in the file beside what the other has. */
export async function compareFiles({ a, b, path: file }: TwoFiles): Promise<void> {
  const where = ({ worktree, path: name }: TwoFiles["a"]): Uri | undefined =>
    name === null ? undefined : Uri.file(path.join(worktree.path, name));
  await openSide(titleOf(file, a.worktree, b.worktree), [
    Uri.file(path.join(b.worktree.path, file)),
    where(a),
    where(b),
  ]);
}

/** Opens what each of the two did to the file since they parted, one below the other, and then both beside each other. */
export async function compareWithBase(connection: Connection, list: WorktreeList, files: TwoFiles): Promise<void> {
  const { a, b } = files;
  const sides = await withProgress(l10n.t("Comparing {0}", printable(files.path)), async ({ token }) => {
    const one = async (side: TwoFiles["a"], other: TwoFiles["a"]): Promise<Sides | undefined> => {
      const repository = pathIn(repositoryOf(list, side.worktree));
      const request = { repository, name: side.worktree.name, other: other.worktree.name };
      const paths = [...new Set([files.path, side.path ?? files.path])];
      const found = await connection.request("worktree.changes", { ...request, paths }, { token });
      const changed = found.files.find((each) => each.path === side.path || (each.from ?? each.path) === files.path);
      return changed === undefined ? undefined : sidesOf(repository, found.path, changed, { folder: found.path });
    };
    return (await Promise.all([one(a, b), one(b, a)])).flatMap((each) => (each === undefined ? [] : [each]));
  });
  if (sides.length === 0) {
    void window.showInformationMessage(
      l10n.t("{0} is the same in {1} and {2} as where they parted.", ...[files.path, a.worktree.name, b.worktree.name]),
    );
    return;
  }
  await openSides(l10n.t("{0} since they parted", titleOf(files.path, a.worktree, b.worktree)), sides);
}

function titleOf(file: string, a: Worktree, b: Worktree): string {
  return `${printable(path.posix.basename(file))} (${pairTitle({ a: a.name, b: b.name })})`;
}
