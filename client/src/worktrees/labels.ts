import { l10n } from "vscode";
import type { NamedType, Worktree, WorktreeStatus, WorktreeType } from "../../../protocol/worktrees.ts";
import type { Holding } from "../claims/holding.ts";
import { heldInWords, holdingIcon } from "../claims/labels.ts";
import { dirtyCount, isKnown } from "./list.ts";

/** The groups of the view, in its order. */
export const groupOrder: readonly WorktreeType[] = ["trunk", "feat", "fix", "review", "aiops", "devops", "other"];

export function groupLabel(type: WorktreeType): string {
  switch (type) {
    case "trunk":
      return l10n.t("Trunk");
    case "feat":
      return l10n.t("Features");
    case "fix":
      return l10n.t("Fixes");
    case "review":
      return l10n.t("Reviews");
    case "aiops":
      return l10n.t("AI Ops");
    case "devops":
      return l10n.t("DevOps");
    case "other":
      return l10n.t("Other");
  }
}

export function typeIcon(type: WorktreeType): string {
  switch (type) {
    case "trunk":
      return "repo";
    case "feat":
      return "lightbulb";
    case "fix":
      return "bug";
    case "review":
      return "git-pull-request";
    case "aiops":
      return "sparkle";
    case "devops":
      return "server-process";
    case "other":
      return "git-branch";
  }
}

/** Whether a worktree is open in this window. */
export type Place = "this window" | "elsewhere";

/** What is not plain shows before the kind of work does. */
export function iconOf(worktree: Worktree, place: Place, holding: Holding): string {
  switch (worktree.state) {
    case "creating":
    case "removing":
    case "restoring":
      return "loading~spin";
    case "missing":
      return "warning";
    case "ready":
      // Where somebody else is at work matters more than that it is open here.
      if (holding.by === "other") return holdingIcon(holding.by);
      if (place === "this window") return "check";
      if (holding.by !== "nobody") return holdingIcon(holding.by);
      return worktree.locked === null ? typeIcon(worktree.type) : "lock";
  }
}

/** The kinds one chooses from when creating. */
export function typeChoice(type: NamedType): { readonly label: string; readonly description: string } {
  switch (type) {
    case "feat":
      return { label: l10n.t("Feature"), description: l10n.t("something new") };
    case "fix":
      return { label: l10n.t("Fix"), description: l10n.t("something broken") };
    case "aiops":
      return { label: l10n.t("AI Ops"), description: l10n.t("agents, prompts and their tools") };
    case "devops":
      return { label: l10n.t("DevOps"), description: l10n.t("builds, pipelines and infrastructure") };
  }
}

/** What stands behind the name, first what matters most, because VS Code cuts the end: `↑1 ↓2 ●3 · feat/user-auth`. */
export function describe(worktree: Worktree, place: Place, holding: Holding): string {
  return [
    stateInWords(worktree) ?? [],
    heldInWords(holding) ?? [],
    worktree.locked === null ? [] : l10n.t("locked"),
    counts(worktree.status),
    worktree.branch ?? l10n.t("detached at {0}", worktree.head?.slice(0, 7) ?? "?"),
    place === "this window" ? l10n.t("this window") : [],
  ]
    .flat()
    .join(" · ");
}

function counts(status: WorktreeStatus | undefined): readonly string[] {
  if (status === undefined) return [];
  if (!isKnown(status)) return [l10n.t("status unknown")];
  const { ahead, behind, conflicted } = status;
  const dirty = dirtyCount(status);
  const signs = [
    ahead > 0 ? `↑${ahead}` : [],
    behind > 0 ? `↓${behind}` : [],
    dirty > 0 ? `●${dirty}` : [],
    conflicted > 0 ? l10n.t("conflicts") : [],
  ].flat();
  return signs.length === 0 ? [] : [signs.join(" ")];
}

export function stateInWords(worktree: Worktree): string | null {
  switch (worktree.state) {
    case "ready":
      return null;
    case "creating":
      return l10n.t("creating…");
    case "removing":
      return l10n.t("removing…");
    case "restoring":
      return l10n.t("restoring…");
    case "missing":
      return l10n.t("folder missing");
  }
}

/** The counts as sentences; empty where there is nothing to tell or nothing known yet. */
export function statusInWords(worktree: Worktree): readonly string[] {
  const { status, base } = worktree;
  if (status === undefined) return [];
  if (!isKnown(status)) return [l10n.t("Status unknown: {0}", status.unknown)];
  const against = base ?? l10n.t("its base");
  const { ahead, behind, conflicted, staged, changed, untracked } = status;
  const told = [
    ...sentence(ahead, l10n.t("1 commit ahead of {0}", against), l10n.t("{0} commits ahead of {1}", ahead, against)),
    ...sentence(behind, l10n.t("1 commit behind {0}", against), l10n.t("{0} commits behind {1}", behind, against)),
    ...sentence(conflicted, l10n.t("1 file in conflict"), l10n.t("{0} files in conflict", conflicted)),
    ...sentence(staged, l10n.t("1 file staged"), l10n.t("{0} files staged", staged)),
    ...sentence(changed, l10n.t("1 file changed"), l10n.t("{0} files changed", changed)),
    ...sentence(untracked, l10n.t("1 new file"), l10n.t("{0} new files", untracked)),
  ];
  return dirtyCount(status) === 0 ? [...told, l10n.t("no uncommitted files")] : told;
}

function sentence(count: number, one: string, many: string): readonly string[] {
  if (count === 0) return [];
  return [count === 1 ? one : many];
}

/** What a screen reader says: the same facts as the row, as words. */
export function spoken(worktree: Worktree, place: Place, holding: Holding): string {
  return [
    worktree.name,
    heldInWords(holding) ?? [],
    ...(worktree.branch === null ? [l10n.t("detached")] : [l10n.t("branch {0}", worktree.branch)]),
    ...statusInWords(worktree),
    ...(worktree.locked === null ? [] : [l10n.t("locked")]),
    stateInWords(worktree) ?? [],
    ...(place === "this window" ? [l10n.t("open in this window")] : []),
  ]
    .flat()
    .join(", ");
}
