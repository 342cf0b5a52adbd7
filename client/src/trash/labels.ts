import { MarkdownString, l10n } from "vscode";
import type { TrashEntry } from "../../../protocol/trash.ts";
import { ago, dayOf, size } from "../amounts.ts";

/** What stands behind the name: `3 days ago · 1.2 MB · feat/user-auth`. */
export function describeEntry(entry: TrashEntry): string {
  return [
    stateInWords(entry) ?? ago(entry.removedAt),
    entry.bytes === null ? [] : size(entry.bytes),
    entry.branch ?? l10n.t("detached at {0}", entry.head?.slice(0, 7) ?? "?"),
  ]
    .flat()
    .join(" · ");
}

/** What a screen reader says: the same facts as the row, as words. */
export function spokenEntry(entry: TrashEntry): string {
  return [
    entry.name,
    entry.branch === null ? l10n.t("detached") : l10n.t("branch {0}", entry.branch),
    l10n.t("removed {0}", ago(entry.removedAt)),
    entry.bytes === null ? [] : size(entry.bytes),
    stateInWords(entry) ?? [],
  ]
    .flat()
    .join(", ");
}

/** What somebody is doing with it at the moment; null when nobody is. */
export function stateInWords({ state }: TrashEntry): string | null {
  switch (state) {
    case "kept":
      return null;
    case "trashing":
      return l10n.t("removing…");
    case "restoring":
      return l10n.t("restoring…");
    case "emptying":
      return l10n.t("deleting…");
  }
}

export function entryTooltip(entry: TrashEntry): MarkdownString {
  const text = new MarkdownString("", true);
  const line = (name: string, value: string): void => {
    text.appendMarkdown(`\n\n**${name}** `).appendText(value);
  };
  text.appendMarkdown("### ").appendText(entry.name);
  line(l10n.t("Branch"), entry.branch ?? l10n.t("detached at {0}", entry.head ?? "?"));
  line(l10n.t("Removed"), new Date(entry.removedAt).toLocaleString());
  line(l10n.t("Was at"), entry.path);
  if (entry.bytes !== null) line(l10n.t("Size"), size(entry.bytes));
  line(l10n.t("Kept until"), entry.emptiedAfter === null ? l10n.t("it is deleted by hand") : dayOf(entry.emptiedAfter));
  line(l10n.t("Work salvaged to"), entry.salvaged ?? l10n.t("no refs: there was nothing to read"));
  return text;
}
