import { commands, l10n } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import { printable } from "../amounts.ts";
import type { AgentList } from "../claims/agent-list.ts";
import { compareFile } from "../changes/compare-file.ts";
import { compareCommits, compareWorktree } from "../changes/compare.ts";
import type { Actions } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { calledOn } from "../focused.ts";
import { textIn } from "../given.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import type { WorktreeTree } from "../worktrees/tree.ts";
import type { ActivityList } from "./activity-list.ts";
import { chooseFilter } from "./filter.ts";
import { detailOf } from "./labels.ts";
import type { Entry } from "./pages.ts";
import type { ActivityView, EntryNode } from "./view.ts";

type Name =
  | "imi.showActivity"
  | "imi.openActivity"
  | "imi.showMoreActivity"
  | "imi.filterActivity"
  | "imi.clearActivityFilter"
  | "imi.showActivityOfWorktree";

/** What the commands on activity work with. */
export interface ActivityTools {
  readonly connection: Connection;
  readonly list: WorktreeList;
  readonly tree: WorktreeTree;
  readonly agents: AgentList;
  readonly activity: ActivityList;
  readonly view: ActivityView;
}

/** The commands on what happened; those on one entry take a row of *Activity*. */
export function activityActions(tools: ActivityTools): Pick<Actions, Name> {
  const { list, agents, activity, view } = tools;
  const focus = async (): Promise<void> => {
    await list.ready();
    await commands.executeCommand("imi.activity.focus");
  };
  return {
    "imi.showActivity": focus,
    "imi.openActivity": async (...args) => {
      const node = (await calledOn(view.view, args)).find(isEntryNode);
      const entry = node === undefined ? undefined : view.entryOf(node);
      if (entry !== undefined) await openEntry(tools, entry);
    },
    "imi.showMoreActivity": async () => activity.readOlder(),
    "imi.filterActivity": async () => {
      await list.ready();
      const known = agents.all.map(({ id }) => id);
      activity.show(await chooseFilter(activity.filter, list, activity.entries, known));
      await focus();
    },
    "imi.clearActivityFilter": () => activity.show({}),
    "imi.showActivityOfWorktree": async (...args) => {
      await list.ready();
      const [node] = await calledOn(tools.tree.view, args);
      const id = textIn(node, "id");
      const worktree = id === undefined ? undefined : list.get(id);
      if (worktree !== undefined) {
        const { repository, name } = worktree;
        activity.show({ worktree: { repository, name } });
      }
      await focus();
    },
  };
}

/** A file's and a commit's entry open their diff; the others lead to their worktree. */
async function openEntry({ connection, list, tree }: ActivityTools, entry: Entry): Promise<void> {
  const worktree = list.get(entry.worktree.id);
  const head = entry.type === "commit" ? detailOf(entry, "head") : null;
  if (head !== null) {
    const repository = list.repositories.find(({ id }) => id === entry.repository);
    if (repository === undefined) return;
    const from = detailOf(entry, "from");
    // The commits of a worktree that is gone are still the repository's.
    const folder = worktree?.path ?? repository.trunk ?? repository.container;
    await compareCommits(connection, repository, folder, { commit: head, ...(from === null ? {} : { from }) });
    return;
  }
  if (worktree === undefined) {
    throw new ImiError("worktree/not-found", l10n.t("{0} is not there any more.", printable(entry.worktree.name)), {
      hint: l10n.t("If it was removed, it may be in the trash."),
    });
  }
  if (entry.file !== null) await compareFile(connection, list, worktree, entry.file);
  else if (entry.type === "file_change") await compareWorktree(connection, list, worktree, "head");
  else await tree.view.reveal(tree.nodeOf(worktree), { select: true, focus: true });
}

function isEntryNode(value: unknown): value is EntryNode {
  return textIn(value, "kind") === "activity";
}
