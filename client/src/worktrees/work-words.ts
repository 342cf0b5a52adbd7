import { l10n } from "vscode";
import type { Work, WorkItem } from "../../../protocol/work.ts";
import { type WorkKind, workKinds } from "../../../protocol/work-kinds.ts";
import { grouped, printable, size, some } from "../amounts.ts";

/** What a removal salvages first. */
export function exposed({ items }: Work): readonly WorkItem[] {
  return items.filter(({ kind }) => workKinds[kind].weight === "exposed");
}

/** What stays wherever the worktree goes. */
export function kept({ items }: Work): readonly WorkItem[] {
  return items.filter(({ kind }) => workKinds[kind].weight === "kept");
}

/** Whether there are files one could look at the changes of. */
export function hasFileChanges(work: Work): boolean {
  return work.items.some(({ kind }) => ["staged", "changed", "untracked", "conflicted"].includes(kind));
}

/** One line, with examples: `2 changed files: a.txt, b.txt`. */
export function itemInWords(item: WorkItem): string {
  const examples = some(item.examples, item.count);
  return examples === "" ? countInWords(item) : `${countInWords(item)}: ${examples}`;
}

/** The three answers as one line, for lists: `no work`, `2 changed files, 1 untracked file`, `unknown: reason`. */
export function workInWords(work: Work): string {
  switch (work.answer) {
    case "clean":
      return l10n.t("no work");
    case "work":
      return exposed(work).map(countInWords).join(", ");
    case "unknown":
      return l10n.t("unknown, which counts as work: {0}", work.reason ?? l10n.t("no reason given"));
  }
}

/** How its changes came into another branch; null where they did not, or where that could not be told. */
export function mergedInWords({ merged }: Work): string | null {
  if (merged === null) return null;
  switch (merged.how) {
    case "ancestor":
      return l10n.t("merged into {0}", merged.into);
    case "rebased":
      return l10n.t("rebased into {0}", merged.into);
    case "squashed":
      return l10n.t("squashed into {0}", merged.into);
    case "contained":
      return l10n.t("its changes are in {0}", merged.into);
  }
}

/** A line for each checkout elsewhere that needs a repository in here. */
export function dependentsInWords({ dependents = [] }: Work): readonly string[] {
  return dependents.map((path) =>
    l10n.t("{0} does not work while this is in the trash: its repository is inside.", printable(path)),
  );
}

function countInWords({ kind, count, bytes }: WorkItem): string {
  const [one, many] = words(kind, grouped(count));
  const counted = count === 1 ? one : many;
  if (bytes === undefined) return counted;
  return bytes === null ? l10n.t("{0}, too many to measure", counted) : `${counted}, ${size(bytes)}`;
}

function words(kind: WorkKind, count: string): readonly [one: string, many: string] {
  switch (kind) {
    case "staged":
      return [l10n.t("1 staged change"), l10n.t("{0} staged changes", count)];
    case "changed":
      return [l10n.t("1 changed file"), l10n.t("{0} changed files", count)];
    case "untracked":
      return [l10n.t("1 untracked file"), l10n.t("{0} untracked files", count)];
    case "conflicted":
      return [l10n.t("1 file in conflict"), l10n.t("{0} files in conflict", count)];
    case "operation":
      return [l10n.t("1 operation in progress"), l10n.t("{0} operations in progress", count)];
    case "detached":
      return [
        l10n.t("1 commit that no branch, tag or remote has"),
        l10n.t("{0} commits that no branch, tag or remote has", count),
      ];
    case "nested":
      return [l10n.t("1 repository inside it"), l10n.t("{0} repositories inside it", count)];
    case "submodule":
      return [l10n.t("1 submodule with work of its own"), l10n.t("{0} submodules with work of their own", count)];
    case "branch":
      return [l10n.t("1 commit on no other branch"), l10n.t("{0} commits on no other branch", count)];
    case "unpushed":
      return [l10n.t("1 commit that no remote has"), l10n.t("{0} commits that no remote has", count)];
    case "stash":
      return [l10n.t("1 stash entry"), l10n.t("{0} stash entries", count)];
    case "dropped":
      return [
        l10n.t("1 commit amended, rebased or reset away"),
        l10n.t("{0} commits amended, rebased or reset away", count),
      ];
    case "ignored":
      return [l10n.t("1 ignored file or folder"), l10n.t("{0} ignored files or folders", count)];
  }
}
