import { l10n, window } from "vscode";
import type { ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { printable, size } from "../amounts.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import { itemInWords } from "../worktrees/work-words.ts";
import type { Trashed } from "./trash-list.ts";

/** More than this many are counted, not named: a dialog does not scroll everywhere. */
const mostNamed = 12;

/** Deletes removed worktrees for good, after a modal question that says what goes with them: their ignored files. */
export async function deleteForGood(connection: Connection, trashed: readonly Trashed[]): Promise<void> {
  const [first] = trashed;
  if (first === undefined) return;
  const one = trashed.length === 1;
  const message = one
    ? l10n.t("Delete {0} for good?", first.entry.name)
    : l10n.t("Delete {0} removed worktrees for good?", trashed.length);
  const detail = one ? await aboutOne(connection, first) : aboutMany(trashed);
  if (await confirmed(message, detail, l10n.t("Delete for Good"))) await deleteNow(connection, trashed);
}

/** The same for everything in the trash. */
export async function emptyTrash(connection: Connection, trashed: readonly Trashed[]): Promise<void> {
  if (trashed.length === 0) {
    void window.showInformationMessage(l10n.t("The trash is empty."));
    return;
  }
  const message =
    trashed.length === 1
      ? l10n.t("Empty the trash? 1 removed worktree is deleted for good.")
      : l10n.t("Empty the trash? {0} removed worktrees are deleted for good.", trashed.length);
  if (await confirmed(message, aboutMany(trashed), l10n.t("Empty Trash"))) await deleteNow(connection, trashed);
}

async function confirmed(message: string, detail: string, consent: string): Promise<boolean> {
  return (await window.showWarningMessage(message, { modal: true, detail }, consent)) === consent;
}

async function aboutOne(connection: Connection, { repository, entry }: Trashed): Promise<string> {
  const { salvage } = await connection.request("trash.show", { repository: pathIn(repository), name: entry.id });
  const ignored = salvage?.ignored ?? { count: 0, examples: [] };
  return [
    l10n.t("Was at {0}", entry.path),
    "",
    ...(ignored.count === 0
      ? [l10n.t("Its folder goes, with any ignored files, which are nowhere else.")]
      : [
          l10n.t("Its folder goes, with its ignored files, which are nowhere else:"),
          `• ${itemInWords({ kind: "ignored", ...ignored })}`,
          "",
        ]),
    ...whatStays([entry.salvaged], entry.branch),
  ].join("\n");
}

function aboutMany(trashed: readonly Trashed[]): string {
  const named = trashed.slice(0, mostNamed).map(({ entry: { name, bytes } }) => {
    return bytes === null ? `• ${name}` : `• ${name}, ${size(bytes)}`;
  });
  const more = trashed.length - named.length;
  const bytes = trashed.reduce((sum, { entry }) => sum + (entry.bytes ?? 0), 0);
  return [
    ...named,
    ...(more > 0 ? [`• ${l10n.t("{0} more", more)}`] : []),
    "",
    l10n.t("Together they take {0}.", size(bytes)),
    l10n.t("Their folders go, with their ignored files, which are nowhere else."),
    ...whatStays(
      trashed.map(({ entry }) => entry.salvaged),
      null,
    ),
  ].join("\n");
}

function whatStays(salvaged: readonly (string | null)[], branch: string | null): readonly string[] {
  const [prefix] = salvaged;
  const refs =
    salvaged.length === 1 && typeof prefix === "string"
      ? l10n.t("What was salvaged stays in {0}.", `${prefix}/`)
      : l10n.t("What was salvaged stays in refs of the repository; what is salvaged nowhere is not deleted.");
  const branches = branch === null ? l10n.t("Branches stay.") : l10n.t("The branch {0} stays.", branch);
  return [refs, branches, "", l10n.t("This cannot be undone.")];
}

async function deleteNow(connection: Connection, trashed: readonly Trashed[]): Promise<void> {
  const emptied: ResultOf<"trash.empty">[] = [];
  const failures: ImiError[] = [];
  await withProgress(l10n.t("Deleting for good"), async ({ token, onProgress }) => {
    for (const { repository, entry } of trashed) {
      if (token.isCancellationRequested) break;
      const params = { repository: pathIn(repository), name: entry.id, yes: true };
      try {
        emptied.push(await connection.request("trash.empty", params, { token, onProgress }));
      } catch (error) {
        failures.push(ImiError.from(error));
      }
    }
  });
  for (const failure of failures) void show(failure, connection);
  const kept = emptied.flatMap((each) => each.kept);
  if (kept.length > 0) {
    const reasons = kept.map(({ entry, reason }) => `${entry.name}: ${printable(reason)}`).join("; ");
    void window.showWarningMessage(l10n.t("Not deleted, and still in the trash: {0}", reasons));
  }
  const gone = emptied.flatMap((each) => each.emptied);
  const [first] = gone;
  if (first === undefined) return;
  const freed = size(emptied.reduce((sum, { bytes }) => sum + bytes, 0));
  void window.showInformationMessage(
    gone.length === 1
      ? l10n.t("{0} is deleted for good; {1} are free again.", first.name, freed)
      : l10n.t("{0} removed worktrees are deleted for good; {1} are free again.", gone.length, freed),
  );
}
