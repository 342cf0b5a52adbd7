import type { Apart } from "./apart.ts";
import type { Bytes } from "./bytes.ts";

/** What was done to one file between two commits. */
export interface Change {
  /** As it was called before; null where it is new. */
  readonly from: Bytes | null;
  /** As it is called now; null where it is deleted. */
  readonly to: Bytes | null;
  readonly before: { readonly mode: string; readonly oid: string };
  readonly after: { readonly mode: string; readonly oid: string };
  /** git's letter for it. */
  readonly letter: string;
}

/** Changes between two commits, by every path they are about. */
export type Changes = ReadonlyMap<Bytes, Change>;

export const changesBetween = async (apart: Apart, from: string, to: string): Promise<Changes> => {
  if (from === to) return new Map();
  const { stdout } = await apart.ask(["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "-M", from, to]);
  return parseRaw(stdout);
};

/** The same, asked once for each two commits. */
export const onceBetween = (
  known: Map<string, Promise<Changes>>,
  apart: Apart,
  from: string,
  to: string,
): Promise<Changes> => {
  const key = `${from} ${to}`;
  const changes = known.get(key) ?? changesBetween(apart, from, to);
  known.set(key, changes);
  changes.catch(() => known.delete(key));
  return changes;
};

/** git-diff(1), "Raw Output Format" with -z. */
export const parseRaw = (output: Buffer): Changes => {
  const changes = new Map<Bytes, Change>();
  const fields = output.toString("latin1").split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [modeBefore = "", modeAfter = "", oidBefore = "", oidAfter = "", letters = ""] = (fields[at] ?? "")
      .slice(1)
      .split(" ");
    const letter = letters[0] ?? "";
    const path = fields[at + 1] ?? "";
    const renamed = letter === "R";
    if (renamed) at += 1; // its new name is a field of its own
    const to = renamed ? (fields[at + 1] ?? "") : path;
    const change: Change = {
      from: letter === "A" ? null : path,
      to: letter === "D" ? null : to,
      before: { mode: modeBefore, oid: oidBefore },
      after: { mode: modeAfter, oid: oidAfter },
      letter,
    };
    changes.set(to, change);
    if (renamed && !changes.has(path)) changes.set(path, change);
  }
  return changes;
};
