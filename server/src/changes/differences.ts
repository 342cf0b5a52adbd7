import type { ChangedFile, FileVersion } from "../../../protocol/changes.ts";
import type { Ask } from "./place.ts";

/** A path as git has it, one character for each byte: names need not be UTF-8. */
export type Bytes = string;

/** The path as people and programs read it; what is no UTF-8 becomes U+FFFD. */
export const shown = (path: Bytes): string => Buffer.from(path, "latin1").toString("utf8");

/** A difference as git tells it, before sizes are known. */
export interface Difference {
  /** As it is called now; as it was where it is gone. */
  readonly path: Bytes;
  readonly from: Bytes | null;
  readonly change: ChangedFile["change"];
  readonly before: Pick<FileVersion, "kind" | "id"> | null;
  readonly after: Pick<FileVersion, "kind" | "id"> | null;
}

/** Nothing of a repository's configuration is run or changes what is told. */
export const diffOptions = [
  ...["-z", "--no-abbrev", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-relative", "--no-color"],
  // Which commit a submodule is at counts; what is changed inside does not.
  "--ignore-submodules=dirty",
];

/** Between a tree and another, or between a tree and the working tree with what is staged. */
export const differences = async (
  ask: Ask,
  trees: readonly [string] | readonly [string, string],
  paths: readonly string[],
): Promise<Difference[]> => {
  const { stdout } = await ask(["diff", "--raw", ...diffOptions, ...trees, "--", ...paths]);
  return parseRaw(stdout);
};

/** git-diff(1), "Raw Output Format" with -z. */
export const parseRaw = (output: Buffer): Difference[] => {
  const found: Difference[] = [];
  const fields = output.toString("latin1").split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [modeBefore = "", modeAfter = "", before = "", after = "", letters = ""] = (fields[at] ?? "")
      .slice(1)
      .split(" ");
    const letter = letters[0] ?? "";
    const renamed = letter === "R";
    const old = fields[at + 1] ?? "";
    if (renamed) at += 1; // its new name is a field of its own
    found.push({
      path: renamed ? (fields[at + 1] ?? "") : old,
      from: renamed ? old : null,
      change: changeOf(letter),
      before: letter === "A" ? null : version(modeBefore, before),
      after: letter === "D" ? null : version(modeAfter, after),
    });
  }
  return found;
};

const changeOf = (letter: string): ChangedFile["change"] => {
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

const version = (mode: string, id: string): Pick<FileVersion, "kind" | "id"> => ({
  kind: mode === "120000" ? "link" : mode === "160000" ? "submodule" : "file",
  id: /^0*$/.test(id) ? null : id,
});

/** Which of the differences git takes for binary; by the path as it is now. */
export const binaries = async (
  ask: Ask,
  trees: readonly [string] | readonly [string, string],
  paths: readonly string[],
): Promise<ReadonlySet<Bytes>> => {
  const { stdout } = await ask(["diff", "--numstat", ...diffOptions, ...trees, "--", ...paths]);
  const found = new Set<Bytes>();
  const fields = stdout.toString("latin1").split("\0");
  for (let at = 0; at < fields.length; at += 1) {
    const [added, removed, ...name] = (fields[at] ?? "").split("\t");
    if (removed === undefined) continue;
    const path = name.join("\t");
    // Of a renamed file both names follow as fields of their own.
    if (path === "") at += 2;
    if (added === "-" && removed === "-") found.add(path === "" ? (fields[at] ?? "") : path);
  }
  return found;
};

/** Sizes of contents in git by their ids; what is not there is left out. */
export const sizesOf = async (ask: Ask, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> => {
  if (ids.size === 0) return new Map();
  const { stdout } = await ask(["cat-file", "--batch-check=%(objectname) %(objectsize)"], {
    input: [...ids, ""].join("\n"),
  });
  const lines = stdout.toString("latin1").split("\n");
  return new Map(
    lines.flatMap((line): [string, number][] => {
      const [id = "", size = ""] = line.split(" ");
      return /^\d+$/.test(size) ? [[id, Number(size)]] : [];
    }),
  );
};
