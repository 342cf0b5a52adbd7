import { parseRaw } from "../git/index.ts";
import type { Bytes, RawChange as Change } from "../git/index.ts";
import type { Apart } from "./apart.ts";

export type { Change };

/** Changes between two commits, by every path they are about. */
export type Changes = ReadonlyMap<Bytes, Change>;

const changesBetween = async (apart: Apart, from: string, to: string): Promise<Changes> => {
  if (from === to) return new Map();
  const { stdout } = await apart.ask(["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "-M", from, to]);
  return byPaths(parseRaw(stdout));
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

const byPaths = (found: readonly Change[]): Changes => {
  const changes = new Map<Bytes, Change>();
  for (const change of found) {
    const { from, to } = change;
    changes.set(to ?? from ?? "", change);
    if (change.letter === "R" && from !== null && !changes.has(from)) changes.set(from, change);
  }
  return changes;
};
