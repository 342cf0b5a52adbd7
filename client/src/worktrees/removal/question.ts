import { l10n } from "vscode";
import type { ImiError } from "../../../../protocol/errors.ts";
import type { Work } from "../../../../protocol/work.ts";
import type { Worktree } from "../../../../protocol/worktrees.ts";
import { printable } from "../../amounts.ts";
import {
  dependentsInWords,
  exposed,
  hasFileChanges,
  itemInWords,
  kept,
  mergedInWords,
  workInWords,
} from "../work-words.ts";

/** A worktree and what a rehearsal of its removal said it holds. */
export interface Examined {
  readonly worktree: Worktree;
  readonly work: Work;
  /** Whether a folder of this window lies in it. */
  readonly place: "this window" | "elsewhere";
}

/** A worktree that stays, and why. */
export interface Refused {
  readonly worktree: Worktree;
  readonly error: ImiError;
}

export interface Question {
  readonly message: string;
  readonly detail: string;
  /** The button that says yes. */
  readonly consent: string;
  /** Whether there are changed files to look at first. */
  readonly changes: "to show" | "none";
}

/** More than this many worktrees are counted, not named: a dialog does not scroll everywhere. */
const mostNamed = 12;

/** What is asked before anything is removed. What is unknown is asked like work. */
export function questionFor(examined: readonly Examined[], refused: readonly Refused[]): Question {
  const [first] = examined;
  const consent = examined.every(({ work }) => work.answer === "clean")
    ? l10n.t("Remove")
    : l10n.t("Salvage and Remove");
  if (first !== undefined && examined.length === 1 && refused.length === 0) {
    return {
      message: l10n.t("Remove worktree {0}?", first.worktree.name),
      detail: aboutOne(first),
      consent,
      changes: hasFileChanges(first.work) ? "to show" : "none",
    };
  }
  return {
    message:
      examined.length === 1 && first !== undefined
        ? l10n.t("Remove worktree {0}?", first.worktree.name)
        : l10n.t("Remove {0} worktrees?", examined.length),
    detail: aboutMany(examined, refused),
    consent,
    changes: "none",
  };
}

function aboutOne(examined: Examined): string {
  const { worktree, work } = examined;
  const lines = [worktree.path, "", ...answer(work)];
  const branch = worktree.branch === null ? [] : [l10n.t("the branch {0}", worktree.branch)];
  const stays = [...branch, ...kept(work).map(itemInWords)];
  if (work.answer === "clean" && stays.length <= 1) {
    if (worktree.branch !== null) lines.push(l10n.t("The branch {0} stays.", worktree.branch));
  } else if (stays.length > 0) {
    lines.push("", l10n.t("Kept in any case:"), ...stays.map(bullet));
  }
  const dependents = dependentsInWords(work);
  if (dependents.length > 0) lines.push("", ...dependents);
  lines.push("", l10n.t("It goes to the trash as it is, and can be restored from there."));
  if (examined.place === "this window") lines.push(l10n.t("Its folder leaves this window's workspace."));
  return lines.join("\n");
}

function answer(work: Work): readonly string[] {
  const found = exposed(work).map(itemInWords).map(bullet);
  switch (work.answer) {
    case "clean": {
      const merged = mergedInWords(work);
      return [merged === null ? l10n.t("It holds no work.") : l10n.t("It holds no work: {0}.", merged)];
    }
    case "work":
      return [l10n.t("It holds work, which is salvaged first:"), ...found];
    case "unknown":
      return [
        l10n.t("What it holds could not be found out, so it counts as work: {0}.", reasonOf(work)),
        l10n.t("What can be read is salvaged first; the rest is kept in the trash."),
        ...found,
      ];
  }
}

function reasonOf({ reason }: Work): string {
  return printable(reason ?? l10n.t("no reason given")).replace(/\.$/u, "");
}

function aboutMany(examined: readonly Examined[], refused: readonly Refused[]): string {
  const named = examined.slice(0, mostNamed);
  const lines = named.map(({ worktree, work }) => bullet(`${worktree.name}: ${workInWords(work)}`));
  const more = examined.length - named.length;
  if (more > 0) {
    const holding = examined.slice(mostNamed).filter(({ work }) => work.answer !== "clean").length;
    lines.push(bullet(l10n.t("{0} more, {1} of them with work", more, holding)));
  }
  if (examined.some(({ work }) => work.answer !== "clean")) lines.push("", l10n.t("Their work is salvaged first."));
  const dependents = examined.flatMap(({ work }) => dependentsInWords(work));
  if (dependents.length > 0) lines.push("", ...dependents);
  lines.push(
    "",
    l10n.t("The branches stay. The worktrees go to the trash as they are, and can be restored from there."),
  );
  if (examined.some(({ place }) => place === "this window")) {
    lines.push(l10n.t("Folders of theirs leave this window's workspace."));
  }
  if (refused.length > 0) {
    lines.push("", l10n.t("These stay:"));
    lines.push(...refused.map(({ worktree, error }) => bullet(`${worktree.name}: ${printable(error.message)}`)));
  }
  return lines.join("\n");
}

function bullet(text: string): string {
  return `• ${text}`;
}
