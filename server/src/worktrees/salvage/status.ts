import type { Bytes } from "./bytes.ts";

/** An entry of an index or a tree. */
export interface Entry {
  readonly mode: string;
  readonly oid: string;
  readonly path: Bytes;
}

/** What `git status` found in one working tree. */
export interface TreeStatus {
  /** Whether the index differs from HEAD. */
  readonly staged: boolean;
  /** Files whose bytes the index does not have; `mode` as git sees the file, null where only the file itself says it. */
  readonly files: readonly { readonly path: Bytes; readonly mode: string | null }[];
  readonly deleted: readonly Bytes[];
  /** Entries of a conflict, by stage. */
  readonly stages: readonly [readonly Entry[], readonly Entry[], readonly Entry[]];
  readonly conflicted: readonly Bytes[];
  /** Submodules at another commit than the index says. */
  readonly gitlinks: readonly Bytes[];
  /** Repositories in the tree that the index does not have. */
  readonly nested: readonly Bytes[];
  readonly ignored: readonly Bytes[];
}

export const statusCommand = [
  "status",
  "--porcelain=v2",
  "-z",
  "--branch", // so that no answer at all is never taken for a clean tree
  "--untracked-files=all",
  "--ignored=matching",
  "--no-renames",
  // Which commit a submodule is at is read from its files; what is in it is looked at without its configuration.
  "--ignore-submodules=dirty",
];

const gitlink = "160000";
const nothing = "000000";

/** git-status(1), "Porcelain Format Version 2"; null when it holds anything this does not know. */
export const parseStatus = (output: Buffer): TreeStatus | null => {
  if (output.length === 0) return null;
  let staged = false;
  const files: { path: Bytes; mode: string | null }[] = [];
  const deleted: Bytes[] = [];
  const stages: [Entry[], Entry[], Entry[]] = [[], [], []];
  const conflicted: Bytes[] = [];
  const gitlinks: Bytes[] = [];
  const nested: Bytes[] = [];
  const ignored: Bytes[] = [];
  const inTree = (path: Bytes, mode: string): void => {
    if (mode === nothing) deleted.push(path);
    else if (mode === gitlink) gitlinks.push(path);
    else files.push({ path, mode });
  };
  for (const entry of output.toString("latin1").split("\0")) {
    if (entry === "" || entry.startsWith("#")) continue;
    if (entry.startsWith("? ")) {
      const path = entry.slice(2);
      if (path.endsWith("/")) nested.push(path.slice(0, -1));
      else files.push({ path, mode: null });
    } else if (entry.startsWith("! ")) {
      ignored.push(entry.slice(2));
    } else if (entry.startsWith("1 ")) {
      const [fields, path] = fieldsOf(entry, 8);
      if (path === null) return null;
      if (entry[2] !== ".") staged = true;
      if (entry[3] !== ".") inTree(path, entry[3] === "D" ? nothing : (fields[5] ?? nothing));
    } else if (entry.startsWith("u ")) {
      const [fields, path] = fieldsOf(entry, 10);
      if (path === null) return null;
      conflicted.push(path);
      for (const stage of [0, 1, 2] as const) {
        const mode = fields[3 + stage] ?? nothing;
        if (mode !== nothing) stages[stage].push({ mode, oid: fields[7 + stage] ?? "", path });
      }
      inTree(path, fields[6] ?? nothing);
    } else return null;
  }
  return { staged, files, deleted, stages, conflicted, gitlinks, nested, ignored };
};

const fieldsOf = (entry: Bytes, count: number): [readonly string[], Bytes | null] => {
  const fields = entry.split(" ");
  return fields.length <= count ? [fields, null] : [fields, fields.slice(count).join(" ")];
};

/** Nothing in the index that HEAD does not have. */
export const isUnstaged = (status: TreeStatus): boolean => !status.staged && status.conflicted.length === 0;

/** Nothing that git would have to be told to keep. */
export const isPlain = (status: TreeStatus): boolean =>
  !status.staged &&
  status.files.length + status.deleted.length + status.conflicted.length + status.gitlinks.length === 0;
