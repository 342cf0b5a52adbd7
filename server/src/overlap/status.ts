import type { Bytes } from "../git/index.ts";

/** What a working tree holds that HEAD does not, of what git does not ignore. */
export interface TreeStatus {
  /** null on a branch without a commit. */
  readonly head: string | null;
  readonly counts: {
    readonly staged: number;
    readonly changed: number;
    readonly untracked: number;
    readonly conflicted: number;
  };
  /** Files and submodules whose content the index does not have. */
  readonly differing: readonly Bytes[];
  readonly deleted: readonly Bytes[];
}

export const statusCommand = [
  ...["status", "--porcelain=v2", "-z", "--branch", "--no-renames", "--no-ahead-behind"],
  "--untracked-files=all",
  // Which commit a submodule is at would be committed; what is changed inside would not.
  "--ignore-submodules=dirty",
];

const gone = "000000";

/** git-status(1), "Porcelain Format Version 2"; null when it holds anything this does not know. */
export const parseStatus = (output: Buffer): TreeStatus | null => {
  const counts = { staged: 0, changed: 0, untracked: 0, conflicted: 0 };
  const differing: Bytes[] = [];
  const deleted: Bytes[] = [];
  let head: string | null | undefined;
  for (const entry of output.toString("latin1").split("\0")) {
    switch (entry[0]) {
      case undefined:
        break;
      case "#":
        if (entry.startsWith("# branch.oid ")) head = entry.slice(13) === "(initial)" ? null : entry.slice(13);
        break;
      case "?":
        counts.untracked++;
        // A repository of its own: `git add` would make it something that nobody else can get.
        if (!entry.endsWith("/")) differing.push(entry.slice(2));
        break;
      case "u":
        counts.conflicted++;
        break;
      case "1": {
        const fields = entry.split(" ");
        const path = fields.slice(8).join(" ");
        if (entry[2] !== ".") counts.staged++;
        if (entry[3] === ".") break;
        counts.changed++;
        (fields[5] === gone ? deleted : differing).push(path);
        break;
      }
      default:
        return null;
    }
  }
  return head === undefined ? null : { head, counts, differing, deleted };
};
