import { ThemeIcon, commands, l10n, window } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Actions } from "../commands.ts";
import { compareFile } from "../changes/compare-file.ts";
import { repositoryOf } from "../changes/compare.ts";
import type { Connection } from "../connection.ts";
import { calledOn } from "../focused.ts";
import { textIn } from "../given.ts";
import { pathIn } from "../repositories.ts";
import { worktreesIn } from "../worktrees/commands.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { type Chosen, pickWorktree, rowOf } from "../worktrees/pick.ts";
import { cancelled } from "../worktrees/steps.ts";
import type { WorktreeTree } from "../worktrees/tree.ts";
import { type TwoFiles, compareFiles, compareWithBase, twoFiles, worktreeNamed } from "./compare.ts";
import type { MergePage } from "./merge-page.ts";
import type { CollisionNode, ConflictNode, ConflictsView, PairNode, SharedNode } from "./view.ts";

type Name = "imi.showConflicts" | "imi.openConflict" | "imi.compareConflictWithBase" | "imi.checkMerge";

/** What the commands on conflicts work with. */
export interface ConflictTools {
  readonly connection: Connection;
  readonly list: WorktreeList;
  readonly tree: WorktreeTree;
  readonly conflicts: ConflictsView;
  readonly page: MergePage;
}

/**
 * The commands on conflicts. Those on files take a row of *Conflicts*; `imi.checkMerge` also takes rows of *Worktrees* (one,
 * or two to be merged), or an object (`{ name, into?, repository? }`), or nothing, and then asks.
 */
export function conflictActions({ connection, list, tree, conflicts, page }: ConflictTools): Pick<Actions, Name> {
  const filesOf = async (args: readonly unknown[]): Promise<TwoFiles> => {
    await list.ready();
    const node = (await calledOn(conflicts.view, args)).find(isFileNode);
    const files = node === undefined ? undefined : filesIn(node);
    if (files !== undefined) return files;
    throw new ImiError("usage/invalid", l10n.t("Choose a file in the Conflicts view first."), {
      hint: l10n.t('"iMi: Show Conflicts" opens it.'),
    });
  };
  const filesIn = (node: SharedNode | CollisionNode): TwoFiles | undefined => {
    if (node.kind === "collision") return collided(node);
    const pair = conflicts.pairOf(node);
    const file = conflicts.fileOf(node);
    return pair === undefined || file === undefined ? undefined : twoFiles(list, pair, file);
  };
  /** By the two who changed it last. */
  const collided = (node: CollisionNode): TwoFiles | undefined => {
    const [a, b] = conflicts.collisionOf(node)?.agents ?? [];
    if (a === undefined || b === undefined) return undefined;
    const side = ({ worktree }: typeof a): TwoFiles["a"] => ({
      worktree: worktreeNamed(list, node.repository, worktree),
      path: node.file,
    });
    return { a: side(a), b: side(b), path: node.file };
  };

  return {
    "imi.showConflicts": async (given) => {
      await list.ready();
      await commands.executeCommand("imi.conflicts.focus");
      if (!isFileNode(given) || given.kind !== "collision") return;
      const collision = conflicts.collisionOf(given);
      if (collision !== undefined)
        await conflicts.view.reveal(conflicts.nodeOf(collision), { select: true, focus: true });
    },
    "imi.openConflict": async (...args) => {
      const files = await filesOf(args);
      // Two agents in one worktree changed the very same file: what became of it is told by what it was.
      if (files.a.worktree.id === files.b.worktree.id) {
        await compareFile(connection, list, files.a.worktree, files.path);
      } else await compareFiles(files);
    },
    "imi.compareConflictWithBase": async (...args) => compareWithBase(connection, list, await filesOf(args)),
    "imi.checkMerge": async (...args) => {
      await list.ready();
      const { a, into } = await mergeGiven(args, list, tree, conflicts);
      const repository = pathIn(repositoryOf(list, a));
      return page.open({ repository, a: a.name, ...(into === null ? {} : { b: into.name }) });
    },
  };
}

interface Merge {
  readonly a: Worktree;
  /** null: what it is based on. */
  readonly into: Worktree | null;
}

async function mergeGiven(
  args: readonly unknown[],
  list: WorktreeList,
  tree: WorktreeTree,
  conflicts: ConflictsView,
): Promise<Merge> {
  const [first] = args;
  if (isPairNode(first)) {
    const { repository, a, b } = first;
    return { a: worktreeNamed(list, repository, a), into: worktreeNamed(list, repository, b) };
  }
  // A row that VS Code forgot could be one of either view: it is asked which is meant.
  const forgotten = args.length > 0 && first === undefined && conflicts.view.visible;
  const given = forgotten ? null : worktreesIn(await calledOn(tree.view, args), list);
  const [one, other] = given ?? [];
  const named = textIn(first, "into");
  if (one !== undefined && named !== undefined) return { a: one, into: worktreeNamed(list, one.repository, named) };
  if (one !== undefined) return { a: one, into: other ?? null };
  const picked = await pickWorktree(
    list,
    l10n.t("Check the merge of which worktree?"),
    ({ state }) => state === "ready",
  );
  if (picked === undefined) throw cancelled();
  return { a: picked, into: await pickTarget(list, picked) };
}

/** null: its base. */
async function pickTarget(list: WorktreeList, a: Worktree): Promise<Worktree | null> {
  const base: Chosen<Worktree | null> = {
    label: a.base ?? l10n.t("the trunk"),
    description: l10n.t("what it is based on"),
    iconPath: new ThemeIcon("git-branch"),
    value: null,
  };
  const others = list.worktrees(a.repository).filter(({ id, state }) => id !== a.id && state === "ready");
  const picked = await window.showQuickPick([base, ...others.map((each) => rowOf(list, each))], {
    placeHolder: l10n.t("Merge {0} into what?", a.name),
    matchOnDescription: true,
  });
  if (picked === undefined) throw cancelled();
  return picked.value;
}

function isPairNode(value: unknown): value is PairNode {
  return textIn(value, "kind") === "pair" && textIn(value, "a") !== undefined && textIn(value, "b") !== undefined;
}

function isFileNode(value: unknown): value is SharedNode | CollisionNode {
  const kind: ConflictNode["kind"][] = ["shared", "collision"];
  return kind.some((each) => each === textIn(value, "kind"));
}
