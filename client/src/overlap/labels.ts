import { l10n } from "vscode";
import path from "node:path";
import type { Conflict, Nearness, Prediction, SharedFile } from "../../../protocol/overlap.ts";
import { ago, grouped, printable } from "../amounts.ts";
import type { Pair } from "./overlap-list.ts";
import type { Collision } from "./same-files.ts";

/** What both did to a file, as `imi conflicts` says it. */
export function nearInWords(near: Nearness): string {
  switch (near) {
    case "whole":
      return l10n.t("whole file");
    case "overlap":
      return l10n.t("same lines");
    case "touch":
      return l10n.t("lines close by");
    case "apart":
      return l10n.t("other lines");
    case "same":
      return l10n.t("same change");
  }
}

/** Whether a merge has to be looked at by somebody because of it. */
export function isClose(near: Nearness): boolean {
  return near === "whole" || near === "overlap";
}

export function mergeInWords({ clean, conflicts }: Prediction): string {
  if (clean === null) return l10n.t("merge not known");
  if (clean) return l10n.t("merges cleanly");
  return conflicts.length === 1 ? l10n.t("1 conflict") : l10n.t("{0} conflicts", grouped(conflicts.length));
}

export function pairTitle({ a, b }: { readonly a: string; readonly b: string }): string {
  return `${printable(a)} ↔ ${printable(b)}`;
}

export function pairDescription({ merge, files }: Pair): string {
  return [mergeInWords(merge), filesInWords(files.length)].join(" · ");
}

export function spokenPair({ a, b, merge, files }: Pair): string {
  return [
    l10n.t("{0} and {1}", printable(a), printable(b)),
    mergeInWords(merge),
    files.length === 1 ? l10n.t("1 file changed in both") : l10n.t("{0} files changed in both", grouped(files.length)),
  ].join(", ");
}

function filesInWords(count: number): string {
  return count === 1 ? l10n.t("1 file") : l10n.t("{0} files", grouped(count));
}

/** `same lines · src`: the folder last, for VS Code cuts the end. */
export function fileDescription({ near, path: file }: SharedFile): string {
  const folder = path.posix.dirname(file);
  return [nearInWords(near), ...(folder === "." ? [] : [printable(folder)])].join(" · ");
}

/** What each of the two did. */
export function deedsInWords({ a, b }: Pair, file: SharedFile): string {
  return [deed(a, file.a, file.path), deed(b, file.b, file.path)].join(", ");
}

function deed(worktree: string, { path: now, change }: SharedFile["a"], before: string): string {
  const name = printable(worktree);
  switch (change) {
    case "added":
      return l10n.t("added in {0}", name);
    case "deleted":
      return l10n.t("deleted in {0}", name);
    case "renamed":
      return now === before ? l10n.t("changed in {0}", name) : l10n.t("renamed to {0} in {1}", printable(now), name);
    case "retyped":
    case "changed":
      return l10n.t("changed in {0}", name);
  }
}

/** git's word for a conflict and the file it is about. */
export function conflictInWords({ kind, path: file, paths }: Conflict): string {
  const others = paths.filter((each) => each !== file).map(printable);
  return `${printable(file)}: ${kind}${others.length === 0 ? "" : ` (${others.join(", ")})`}`;
}

/** `codex-1 in feat-a, jane in feat-b`. */
export function agentsInWords({ agents }: Collision): string {
  return agents.map(({ agent, worktree }) => l10n.t("{0} in {1}", printable(agent), printable(worktree))).join(", ");
}

export function collisionDescription(collision: Collision): string {
  const { more = 0 } = collision;
  const others = more === 1 ? l10n.t("and 1 other file") : l10n.t("and {0} other files", grouped(more));
  return [agentsInWords(collision), ago(collision.at), ...(more === 0 ? [] : [others])].join(" · ");
}
