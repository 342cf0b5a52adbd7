import { l10n } from "vscode";
import path from "node:path";
import type { ActivityType } from "../../../protocol/activity.ts";
import { ago, grouped, printable } from "../amounts.ts";
import type { Entry, Filter } from "./pages.ts";

export function typeInWords(type: ActivityType): string {
  switch (type) {
    case "file_change":
      return l10n.t("Changed Files");
    case "commit":
      return l10n.t("Commits");
    case "switch":
      return l10n.t("Switched Branches");
    case "agent_claimed":
      return l10n.t("Claims");
    case "agent_released":
      return l10n.t("Released Claims");
    case "worktree_created":
      return l10n.t("New Worktrees");
    case "worktree_removed":
      return l10n.t("Removed Worktrees");
    case "worktree_restored":
      return l10n.t("Restored Worktrees");
  }
}

export function typeIcon(type: ActivityType): string {
  switch (type) {
    case "file_change":
      return "diff-modified";
    case "commit":
      return "git-commit";
    case "switch":
      return "git-branch";
    case "agent_claimed":
      return "key";
    case "agent_released":
      return "unlock";
    case "worktree_created":
      return "add";
    case "worktree_removed":
      return "trash";
    case "worktree_restored":
      return "history";
  }
}

export function iconOf({ type, details }: Entry): string {
  if (type !== "file_change") return typeIcon(type);
  switch (details["change"]) {
    case "added":
      return "diff-added";
    case "deleted":
      return "diff-removed";
    default:
      return "diff-modified";
  }
}

/** What the row is called: the file, the commit's message, or what was done. */
export function titleOf(entry: Entry): string {
  const name = printable(entry.worktree.name);
  const who = entry.agent === null ? l10n.t("somebody") : printable(entry.agent);
  switch (entry.type) {
    case "file_change":
      // Of very many at once not every one is recorded.
      if (entry.file === null) return moreFiles(countIn(entry, "more"));
      return printable(path.posix.basename(entry.file));
    case "commit":
      return printable(
        detailOf(entry, "subject") ?? detailOf(entry, "head")?.slice(0, 7) ?? l10n.t("no commit any more"),
      );
    case "switch": {
      const to = detailOf(entry, "to");
      return to === null ? l10n.t("detached its HEAD") : l10n.t("switched to {0}", printable(to));
    }
    case "agent_claimed":
      return l10n.t("{0} claimed {1}", who, name);
    case "agent_released":
      return l10n.t("{0} no longer holds {1}", who, name);
    case "worktree_created":
      return l10n.t("{0} was created", name);
    case "worktree_removed":
      return l10n.t("{0} was removed", name);
    case "worktree_restored":
      return l10n.t("{0} was restored", name);
  }
}

/** What was done, where it is not the title: `modified`, `3 commits`. */
export function deedInWords(entry: Entry): string | null {
  if (entry.type === "file_change") return entry.file === null ? null : fileDeed(entry.details["change"]);
  return entry.type === "commit" ? commitDeed(entry) : null;
}

function moreFiles(count: number): string {
  return count === 1 ? l10n.t("1 more file") : l10n.t("{0} more files", grouped(count));
}

function fileDeed(change: unknown): string {
  switch (change) {
    case "added":
      return l10n.t("added");
    case "deleted":
      return l10n.t("deleted");
    default:
      return l10n.t("modified");
  }
}

function commitDeed(entry: Entry): string {
  const [commits, dropped] = [countIn(entry, "commits"), countIn(entry, "dropped")];
  const came = commits === 1 ? l10n.t("1 commit") : l10n.t("{0} commits", grouped(commits));
  if (dropped === 0) return came;
  const went = dropped === 1 ? l10n.t("1 dropped") : l10n.t("{0} dropped", grouped(dropped));
  return commits === 0 ? went : `${came}, ${went}`;
}

/** Behind the title: `modified · feat-login · codex-1 · 2 minutes ago · src/auth`. */
export function describeEntry(entry: Entry): string {
  const own = entry.type === "file_change" || entry.type === "commit" || entry.type === "switch";
  const folder = path.posix.dirname(entry.file ?? "");
  return [
    deedInWords(entry) ?? [],
    own ? printable(entry.worktree.name) : [],
    own && entry.agent !== null ? printable(entry.agent) : [],
    ago(entry.at),
    entry.file === null || folder === "." ? [] : printable(folder),
  ]
    .flat()
    .join(" · ");
}

/** What a screen reader says. */
export function spokenEntry(entry: Entry): string {
  return [
    entry.file === null ? titleOf(entry) : printable(entry.file),
    describeEntry(entry).split(" · ").join(", "),
  ].join(", ");
}

/** Names and values for the tooltip. */
export function entryLines(entry: Entry): readonly (readonly [string, string])[] {
  const line = (name: string, value: string | null): (readonly [string, string])[] =>
    value === null ? [] : [[name, printable(value)]];
  return [
    ...line(l10n.t("What"), deedInWords(entry)),
    ...line(l10n.t("File"), entry.file),
    ...line(l10n.t("Worktree"), entry.worktree.name),
    ...line(l10n.t("Agent"), entry.agent),
    ...line(l10n.t("Branch"), detailOf(entry, "branch")),
    ...line(l10n.t("Commit"), detailOf(entry, "head")),
    ...(entry.type === "switch" ? line(l10n.t("Before"), detailOf(entry, "from") ?? l10n.t("detached")) : []),
    ...line(l10n.t("Task"), detailOf(entry, "task")),
    ...line(l10n.t("Why"), detailOf(entry, "reason")),
    ...line(l10n.t("When"), new Date(entry.at).toLocaleString()),
  ];
}

/** `feat-login, codex-1, last 2h`; empty where all is shown. */
export function filterInWords({ worktree, agent, file, type, since }: Filter): string {
  return [
    worktree?.name ?? [],
    agent ?? [],
    file ?? [],
    type === undefined ? [] : typeInWords(type),
    since === undefined ? [] : l10n.t("last {0}", since),
  ]
    .flat()
    .map(printable)
    .join(", ");
}

/** Details are the log's own; what is not there as expected is not told. */
export function detailOf({ details }: Entry, name: string): string | null {
  const value = details[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function countIn({ details }: Entry, name: string): number {
  const value = details[name];
  return typeof value === "number" ? value : 0;
}
