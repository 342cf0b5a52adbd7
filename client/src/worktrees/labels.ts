import { l10n } from "vscode";
import type { LiveFacts, NamedType, Worktree, WorktreeStatus, WorktreeType } from "../../../protocol/worktrees.ts";
import { ago, printable } from "../amounts.ts";
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
    operationInWords(worktree) ?? [],
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

/** What git is in the middle of in it, as what one is doing; null where that is nothing, or not known. */
export function operationInWords({ live }: Worktree): string | null {
  switch (live?.operation) {
    case undefined:
    case null:
      return null;
    case "merge":
      return l10n.t("merging");
    case "rebase":
      return l10n.t("rebasing");
    case "cherry-pick":
      return l10n.t("cherry-picking");
    case "revert":
      return l10n.t("reverting");
    case "bisect":
      return l10n.t("bisecting");
    case "am":
      return l10n.t("applying mails");
  }
}

/** What is known of a worktree beside its counts, by name; nothing that is not known. */
export function liveLines(worktree: Worktree): readonly (readonly [name: string, value: string])[] {
  const { live } = worktree;
  if (live === undefined) return [];
  const operation = operationInWords(worktree);
  return [
    ...(live.subject === null || live.subject === ""
      ? []
      : [[l10n.t("Last commit"), printable(live.subject)] as const]),
    ...(live.upstream === null ? [] : [[l10n.t("Upstream"), upstreamInWords(live.upstream)] as const]),
    ...(operation === null ? [] : [[l10n.t("In progress"), operation] as const]),
    ...(live.lastChange === null ? [] : [[l10n.t("Last change"), ago(live.lastChange)] as const]),
    ...(live.recentAgents.length === 0
      ? []
      : [[l10n.t("Recent agents"), live.recentAgents.slice(0, agentsShown).map(seenInWords).join(", ")] as const]),
  ];
}

/** Agents that a tooltip names, the latest first. */
const agentsShown = 5;

function seenInWords({ agent, at }: LiveFacts["recentAgents"][number]): string {
  return l10n.t("{0} ({1})", printable(agent), ago(at));
}

function upstreamInWords({ name, ahead, behind }: NonNullable<LiveFacts["upstream"]>): string {
  const apart = [
    ...sentence(ahead, l10n.t("1 commit ahead"), l10n.t("{0} commits ahead", ahead)),
    ...sentence(behind, l10n.t("1 commit behind"), l10n.t("{0} commits behind", behind)),
  ];
  return `${printable(name)}: ${apart.length === 0 ? l10n.t("the same") : apart.join(", ")}`;
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
    operationInWords(worktree) ?? [],
    ...(worktree.locked === null ? [] : [l10n.t("locked")]),
    stateInWords(worktree) ?? [],
    ...(place === "this window" ? [l10n.t("open in this window")] : []),
  ]
    .flat()
    .join(", ");
}
