import { type QuickPickItem, QuickPickItemKind, ThemeIcon, l10n, window } from "vscode";
import path from "node:path";
import { type ActivityType, activityTypes } from "../../../protocol/activity-kinds.ts";
import { printable } from "../amounts.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { cancelled } from "../worktrees/steps.ts";
import { filterInWords, typeIcon, typeInWords } from "./labels.ts";
import type { Entry, Filter } from "./pages.ts";

interface Row<T> extends QuickPickItem {
  readonly value: T;
}

/** What can be asked for, one after another. */
type Part = keyof Filter;

/** Ages as `activity.list` takes them. */
const ages = ["15m", "1h", "8h", "1d", "7d"] as const;

/** Asks for one part of the filter; the others stay. Rejects with `operation/cancelled` when the user leaves. */
export async function chooseFilter(
  filter: Filter,
  list: WorktreeList,
  entries: readonly Entry[],
  agents: readonly string[],
): Promise<Filter> {
  const rows: Row<Part | "clear">[] = [
    row("worktree", l10n.t("Worktree…"), "list-tree", filter.worktree?.name),
    row("agent", l10n.t("Agent…"), "organization", filter.agent),
    row("file", l10n.t("File or Folder…"), "file", filter.file),
    row("type", l10n.t("What Happened…"), "symbol-event", filter.type && typeInWords(filter.type)),
    row("since", l10n.t("Since…"), "history", filter.since && l10n.t("last {0}", filter.since)),
  ];
  if (filterInWords(filter) !== "") {
    rows.push(
      { label: "", kind: QuickPickItemKind.Separator, value: "clear" },
      row("clear", l10n.t("Clear Filter"), "clear-all", undefined),
    );
  }
  switch (await choose(rows, l10n.t("Show which activity?"))) {
    case "worktree":
      return { ...filter, worktree: await chooseWorktree(list, entries) };
    case "agent":
      return { ...filter, agent: await chooseAgent(entries, agents) };
    case "file":
      return { ...filter, file: await askFile(list, filter.file) };
    case "type":
      return { ...filter, type: await choose(typeRows(), l10n.t("Show what?")) };
    case "since":
      return { ...filter, since: await chooseAge() };
    case "clear":
      return {};
  }
}

function row<T>(value: T, label: string, icon: string, description: string | undefined): Row<T> {
  return { label, value, iconPath: new ThemeIcon(icon), ...(description === undefined ? {} : { description }) };
}

async function choose<T>(rows: readonly Row<T>[], placeHolder: string): Promise<T> {
  const picked = await window.showQuickPick(rows, { placeHolder, matchOnDescription: true });
  if (picked === undefined) throw cancelled();
  return picked.value;
}

/** Those there are, and those that are gone and left something behind. */
function chooseWorktree(list: WorktreeList, entries: readonly Entry[]): Promise<NonNullable<Filter["worktree"]>> {
  const known = list.worktrees().map(({ repository, name }) => ({ repository, name }));
  const gone = entries.map(({ repository, worktree }) => ({ repository, name: worktree.name }));
  const all = new Map([...known, ...gone].map((each) => [`${each.repository} ${each.name}`, each]));
  const repositories = new Map(list.repositories.map(({ id, name }) => [id, name]));
  const rows = [...all.values()].map((each) =>
    row(each, printable(each.name), "list-tree", repositories.size > 1 ? repositories.get(each.repository) : undefined),
  );
  return choose(rows, l10n.t("Show the activity in which worktree?"));
}

async function chooseAgent(entries: readonly Entry[], agents: readonly string[]): Promise<string> {
  const all = [...new Set([...agents, ...entries.flatMap(({ agent }) => agent ?? [])])].toSorted();
  const rows = all.map((each) => row(each, printable(each), "person", undefined));
  return choose(rows, l10n.t("Show the activity of which agent?"));
}

async function askFile(list: WorktreeList, before: string | undefined): Promise<string> {
  const typed = await window.showInputBox({
    prompt: l10n.t("A file, or a folder for all in it; relative to the worktree"),
    value: before ?? openFile(list) ?? "",
    validateInput: (text) =>
      path.isAbsolute(text) || text.split(/[/\\]/u).includes("..")
        ? l10n.t("Name it relative to the worktree, such as src/auth.")
        : undefined,
  });
  const file = typed?.trim() ?? "";
  if (file === "") throw cancelled();
  return file;
}

/** The file of the editor, relative to its worktree. */
function openFile(list: WorktreeList): string | undefined {
  const uri = window.activeTextEditor?.document.uri;
  const worktree = uri?.scheme === "file" ? list.at(uri.fsPath) : undefined;
  if (uri === undefined || worktree === undefined) return undefined;
  return path.relative(worktree.path, uri.fsPath).split(path.sep).join("/");
}

function typeRows(): readonly Row<ActivityType>[] {
  return activityTypes.map((type) => row(type, typeInWords(type), typeIcon(type), undefined));
}

async function chooseAge(): Promise<string> {
  const rows: Row<string | null>[] = [
    ...ages.map((age) => row<string | null>(age, l10n.t("last {0}", age), "history", undefined)),
    row<string | null>(null, l10n.t("Another Time…"), "edit", undefined),
  ];
  const chosen = await choose(rows, l10n.t("Show what happened since when?"));
  if (chosen !== null) return chosen;
  const typed = await window.showInputBox({
    prompt: l10n.t("How long ago: a number and s, m, h, d or w, such as 30m or 3d"),
    validateInput: (text) => (/^\d{1,6}\s*[smhdw]$/u.test(text.trim()) ? undefined : l10n.t("Such as 30m, 2h or 7d.")),
  });
  if (typed === undefined) throw cancelled();
  return typed.trim();
}
