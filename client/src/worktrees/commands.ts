import { Uri, l10n } from "vscode";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult, NamedType, Worktree, WorktreeType } from "../../../protocol/worktrees.ts";
import { type Action, type Actions, show } from "../commands.ts";
import type { ActivityList } from "../activity/activity-list.ts";
import type { AgentList } from "../claims/agent-list.ts";
import type { Connection } from "../connection.ts";
import { serverStopped } from "../failures.ts";
import { calledOn } from "../focused.ts";
import { fieldIn, textIn } from "../given.ts";
import type { Repositories } from "../repositories.ts";
import type { OverlapList } from "../overlap/overlap-list.ts";
import type { TrashList } from "../trash/trash-list.ts";
import { isInside } from "./paths.ts";
import { createWorktree } from "./create.ts";
import type { DiskUses } from "./disk-use.ts";
import type { WorktreeList } from "./list.ts";
import { notHere } from "./not-here.ts";
import { type Where, copyPaths, openAfterCreate, openTerminal, openWorktree, revealFolder } from "./open.ts";
import { pickWorktree } from "./pick.ts";
import { pruneWorktrees } from "./prune.ts";
import { removeWorktrees } from "./remove.ts";
import type { RemovalNotice } from "./removal/notice.ts";
import { reviewPullRequest } from "./review.ts";
import { salvageWorktree } from "./salvage.ts";
import { switchTo } from "./switch.ts";
import type { Node, WorktreeTree } from "./tree.ts";

type Name =
  | "imi.createWorktree"
  | "imi.reviewPullRequest"
  | "imi.pickWorktree"
  | "imi.openWorktree"
  | "imi.openWorktreeInNewWindow"
  | "imi.addWorktreeToWorkspace"
  | "imi.revealWorktree"
  | "imi.openWorktreeInTerminal"
  | "imi.copyWorktreePath"
  | "imi.removeWorktree"
  | "imi.salvageWorktree"
  | "imi.pruneWorktrees"
  | "imi.refresh";

/** What removing, bringing back and refreshing need besides. */
export interface Besides {
  readonly agents: AgentList;
  readonly trash: TrashList;
  readonly uses: DiskUses;
  readonly notice: RemovalNotice;
  readonly overlaps: OverlapList;
  readonly activity: ActivityList;
}

/**
 * The commands on worktrees. Each takes what a row of the view passes, or an object that names a worktree
 * (`{ name, repository? }`, the repository by any path in it), or nothing, and then asks.
 */
export function worktreeActions(
  connection: Connection,
  repositories: Repositories,
  list: WorktreeList,
  tree: WorktreeTree,
  { agents, trash, uses, notice, overlaps, activity }: Besides,
): Pick<Actions, Name> {
  const assertRepository = (): void => {
    if (connection.state !== "running") throw serverStopped(connection.failure);
    if (list.repositories.length > 0) return;
    throw (
      repositories.failure ??
      new ImiError("repository/not-found", l10n.t("No folder of this window belongs to a Git repository."), {
        hint: l10n.t("Open a clone, or clone a repository."),
      })
    );
  };
  const open =
    (where: Where, question: string): Action =>
    async (...args) => {
      for (const worktree of await targets(args, question)) await openWorktree(connection, list, worktree, where);
    };
  const targets = async (args: readonly unknown[], question: string): Promise<readonly Worktree[]> => {
    await list.ready();
    const given = worktreesIn(await calledOn(tree.view, args), list);
    if (given !== null) return given;
    assertRepository();
    const picked = await pickWorktree(list, question, ({ state }) => state !== "creating");
    return picked === undefined ? [] : [picked];
  };
  /** After a command that made a worktree: show its row, then what the setting says. */
  const made = (result: CreateResult): CreateResult => {
    void (async () => {
      try {
        await list.expect(result.worktree);
        if (tree.view.visible) await tree.view.reveal(tree.nodeOf(result.worktree), { select: true, focus: false });
        await openAfterCreate(connection, list, result);
      } catch (error) {
        await show(ImiError.from(error), connection);
      }
    })();
    return result;
  };

  return {
    "imi.createWorktree": async (...args) => {
      await list.ready();
      assertRepository();
      return made(await createWorktree(connection, list, createRequest(args, list)));
    },
    "imi.reviewPullRequest": async (...args) => {
      await list.ready();
      assertRepository();
      return made(await reviewPullRequest(connection, list, reviewRequest(args, list)));
    },
    "imi.pickWorktree": async () => {
      await list.ready();
      assertRepository();
      await switchTo(connection, list);
    },
    "imi.openWorktree": open("this window", l10n.t("Open which worktree in this window?")),
    "imi.openWorktreeInNewWindow": open("new window", l10n.t("Open which worktree in a new window?")),
    "imi.addWorktreeToWorkspace": open("workspace", l10n.t("Add which worktree to this workspace?")),
    "imi.revealWorktree": async (...args) => {
      for (const each of await targets(args, l10n.t("Reveal which worktree?"))) await revealFolder(each);
    },
    "imi.openWorktreeInTerminal": async (...args) => {
      for (const each of await targets(args, l10n.t("Open a terminal in which worktree?"))) openTerminal(each);
    },
    "imi.copyWorktreePath": async (...args) =>
      copyPaths(await targets(args, l10n.t("Copy the path of which worktree?"))),
    "imi.removeWorktree": async (...args) => {
      await list.ready();
      const given = worktreesIn(await calledOn(tree.view, args), list);
      if (given === null) assertRepository();
      const picked = given ?? [
        await pickWorktree(list, l10n.t("Remove which worktree?"), ({ type }) => type !== "trunk"),
      ];
      const worktrees = picked.flatMap((each) => each ?? []);
      await removeWorktrees(connection, list, notice, worktrees);
    },
    "imi.salvageWorktree": async (...args) => {
      for (const each of await targets(args, l10n.t("Salvage which worktree?"))) {
        await salvageWorktree(connection, list, each);
      }
    },
    "imi.pruneWorktrees": async (...args) => {
      await list.ready();
      assertRepository();
      await pruneWorktrees(connection, list, uses, notice, repositoryIn(args[0], list));
    },
    "imi.refresh": async () => {
      repositories.retry();
      const readings = [trash, agents, overlaps, activity].map(({ reading }) => reading.refresh());
      await Promise.all([list.refresh(), ...readings]);
    },
  };
}

/** The worktrees a command was called on; null when it was called on none. */
export function worktreesIn(called: readonly unknown[], list: WorktreeList): readonly Worktree[] | null {
  const found = called.filter(isNode).flatMap((node) => (node.kind === "worktree" ? (list.get(node.id) ?? []) : []));
  if (found.length > 0) return found;
  const [first] = called;
  const name = textIn(first, "name");
  if (name === undefined) return null;
  const repository = repositoryIn(first, list);
  const named = list.worktrees(repository?.id).find((each) => each.name === name);
  if (named === undefined) throw notHere(name);
  return [named];
}

function createRequest([first]: readonly unknown[], list: WorktreeList): Parameters<typeof createWorktree>[2] {
  const type = textIn(first, "type");
  return {
    repository: repositoryIn(first, list),
    type: type !== undefined && isNamedType(type) ? type : undefined,
    name: textIn(first, "name"),
    branch: textIn(first, "branch"),
    base: textIn(first, "base"),
  };
}

function reviewRequest([first]: readonly unknown[], list: WorktreeList): Parameters<typeof reviewPullRequest>[2] {
  const number = fieldIn(first, "number");
  return { repository: repositoryIn(first, list), number: typeof number === "number" ? number : undefined };
}

/** Named by a row of the view (by id) or by a program (by any path in it, or as a Uri). */
function repositoryIn(given: unknown, list: WorktreeList): Repository | undefined {
  const named = fieldIn(given, "repository");
  const place = named instanceof Uri ? named.fsPath : named;
  if (typeof place !== "string") return undefined;
  const byId = list.repositories.find(({ id }) => id === place);
  if (byId !== undefined || !path.isAbsolute(place)) return byId;
  const worktree = list.at(place);
  return (
    (worktree === undefined ? undefined : list.repositoryOf(worktree)) ??
    list.repositories.find(({ container, gitDir }) => isInside(place, container) || isInside(place, gitDir))
  );
}

function isNode(value: unknown): value is Node {
  return ["repository", "group", "worktree"].includes(String(fieldIn(value, "kind")));
}

function isNamedType(type: string): type is NamedType & WorktreeType {
  return ["feat", "fix", "aiops", "devops"].includes(type);
}
