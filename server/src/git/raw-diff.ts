import type { ChangeKind } from "../../../protocol/changes.ts";
import type { Bytes } from "./bytes.ts";

/** What was done to one file between two trees, or between a tree and what lies on the disk. */
export interface RawChange {
  /** As it was called before; null where it is new. */
  readonly from: Bytes | null;
  /** As it is called now; null where it is deleted. */
  readonly to: Bytes | null;
  readonly before: { readonly mode: string; readonly oid: string };
  readonly after: { readonly mode: string; readonly oid: string };
  /** git's letter for it. */
  readonly letter: string;
}

/** Reads what `git diff --raw -z` prints (git-diff(1), "Raw Output Format"); ids are whole with `--no-abbrev`. */
export const parseRaw = (output: Buffer): RawChange[] => {
  const changes: RawChange[] = [];
  const fields = output.toString("latin1").split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [modeBefore = "", modeAfter = "", oidBefore = "", oidAfter = "", letters = ""] = (fields[at] ?? "")
      .slice(1)
      .split(" ");
    const letter = letters[0] ?? "";
    const path = fields[at + 1] ?? "";
    const renamed = letter === "R";
    if (renamed) at += 1; // its new name is a field of its own
    changes.push({
      from: letter === "A" ? null : path,
      to: letter === "D" ? null : renamed ? (fields[at + 1] ?? "") : path,
      before: { mode: modeBefore, oid: oidBefore },
      after: { mode: modeAfter, oid: oidAfter },
      letter,
    });
  }
  return changes;
};

/** git's letter in a word. */
export const wordFor = (letter: string): ChangeKind => {
  switch (letter) {
    case "A":
      return "added";
    case "D":
      return "deleted";
    case "R":
      return "renamed";
    case "T":
      return "retyped";
    default:
      return "changed";
  }
};
