import type { ChangeKind, FileVersion } from "../../../protocol/changes.ts";
import { parseRaw, wordFor } from "../git/index.ts";
import type { Bytes, RawChange } from "../git/index.ts";
import type { Ask } from "./place.ts";

/** A difference as git tells it, before sizes are known. */
export interface Difference {
  /** As it is called now; as it was where it is gone. */
  readonly path: Bytes;
  readonly from: Bytes | null;
  readonly change: ChangeKind;
  readonly before: Pick<FileVersion, "kind" | "id"> | null;
  readonly after: Pick<FileVersion, "kind" | "id"> | null;
}

/** Nothing of a repository's configuration is run or changes what is told. */
const diffOptions = [
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
  return parseRaw(stdout).map(toDifference);
};

const toDifference = ({ from, to, before, after, letter }: RawChange): Difference => ({
  path: to ?? from ?? "",
  from: letter === "R" ? from : null,
  change: wordFor(letter),
  before: from === null ? null : version(before),
  after: to === null ? null : version(after),
});

const version = ({ mode, oid }: RawChange["before"]): Pick<FileVersion, "kind" | "id"> => ({
  kind: mode === "120000" ? "link" : mode === "160000" ? "submodule" : "file",
  id: /^0*$/.test(oid) ? null : oid,
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

/** A version that git keeps, with its size. */
export const keptVersion = (
  version: Pick<FileVersion, "kind" | "id"> | null,
  sizes: ReadonlyMap<string, number>,
): FileVersion | null => (version === null ? null : { ...version, bytes: sizes.get(version.id ?? "") ?? null });

export const byPath = (one: { readonly path: string }, other: { readonly path: string }): number =>
  one.path < other.path ? -1 : Number(one.path > other.path);

/** Ids of the contents that git has of the files, at either end. */
export const contentIds = (files: readonly Difference[]): ReadonlySet<string> =>
  new Set(
    files.flatMap(({ before, after }) =>
      [before, after].flatMap((each) => (each === null || each.kind === "submodule" ? [] : (each.id ?? []))),
    ),
  );
