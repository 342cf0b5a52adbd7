import { Uri, l10n } from "vscode";
import path from "node:path";
import type { ChangedFile, FileVersion } from "../../../protocol/changes.ts";
import { size } from "../amounts.ts";
import { longestRead } from "../../../protocol/limits.ts";
import { versionUri, wordsUri } from "./versions.ts";

/** What VS Code compares: the name it stands under, what was, what is. */
export type Sides = [label: Uri, before: Uri | undefined, after: Uri | undefined];

/** Where the later side is: in the worktree's folder, or in git. */
export type Later = { readonly folder: string } | "in git";

/** Both sides of a changed file. What no text editor shows is told in words: VS Code would leave the file out. */
export function sidesOf(repository: string, folder: string, file: ChangedFile, later: Later): Sides {
  const { before, after } = file;
  const now = Uri.file(path.join(folder, file.path));
  const then = Uri.file(path.join(folder, file.from ?? file.path));
  const inWords = file.binary === true || [before, after].some((each) => (each?.bytes ?? 0) > longestRead);
  const words = (version: FileVersion, place: Uri): Uri => wordsUri(described(version, file.binary === true), place);
  const kept = (version: FileVersion, place: Uri): Uri => {
    if (inWords || version.kind === "submodule" || version.id === null) return words(version, place);
    return versionUri(repository, version.id, place);
  };
  const onDisk = (version: FileVersion, root: string): Uri => {
    if (version.target !== undefined) return wordsUri(version.target, now);
    // A name that is no UTF-8 came here with U+FFFD in it, and the disk does not know that.
    const unreachable = file.path.includes("\uFFFD");
    if (inWords || unreachable || version.kind !== "file") return words(version, now);
    return Uri.file(path.join(root, file.path));
  };
  return [
    now,
    before === null ? undefined : kept(before, then),
    after === null ? undefined : later === "in git" ? kept(after, now) : onDisk(after, later.folder),
  ];
}

function described({ kind, id, bytes }: FileVersion, binary: boolean): string {
  const lines = [
    kind === "submodule"
      ? l10n.t("Submodule")
      : binary
        ? l10n.t("Binary file")
        : l10n.t("This file is not shown as text"),
    bytes === null ? [] : `${size(bytes)} (${bytes})`,
    id ?? l10n.t("as it is on disk"),
  ];
  return lines.flat().join("\n");
}
