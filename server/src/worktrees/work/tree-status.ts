import type { Git, GitOutput } from "../../git/index.ts";
import type { Findings } from "./findings.ts";
import type { Tree } from "./place.ts";

export type Config = readonly (readonly [string, string])[];

export interface Asked {
  readonly git: Git;
  readonly signal: AbortSignal | undefined;
  /** How long ignored folders are looked through for repositories, in ms. */
  readonly patienceMs?: number | undefined;
}

export interface TreeStatus {
  /** null before the first commit. */
  readonly head: string | null;
  readonly detached: boolean;
  /** Paths told as changed already. */
  readonly changed: ReadonlySet<string>;
  /** Submodules at another commit than is staged, or gone; not told yet. */
  readonly moved: ReadonlySet<string>;
  readonly ignored: readonly string[];
  /** Repositories told as nested already, with a slash behind. */
  readonly nested: ReadonlySet<string>;
}

/** A large tree on a slow disk that nobody has looked at for long; milliseconds. */
export const patienceMs = 120_000;

/**
 * Overrides what a configuration may do to hide changes: an untracked cache somebody else wrote, times compared in
 * part. With a value like the default none of these costs anything.
 */
const unhidden: Config = [
  ["core.untrackedCache", "false"],
  ["core.trustctime", "true"],
  ["core.checkStat", "default"],
  ["core.quotePath", "true"],
];

/** Submodules are looked into one by one: git would follow their `.git` files, which lead nowhere from the trash. */
const command = [
  "status",
  "--porcelain=v2",
  "-z",
  "--branch",
  "--untracked-files=all",
  "--ignored=matching",
  "--ignore-submodules=dirty",
  "--no-renames",
  "--no-ahead-behind",
];

export const onTree = ({ path, gitDir }: Pick<Tree, "path" | "gitDir">): string[] => [
  `--git-dir=${gitDir}`,
  `--work-tree=${path}`,
];

/** One `git status` of a tree, for `tellStatus`. With `--branch` it is never empty; seen once on a busy machine, so it is asked again. */
export const askStatus = async ({ git, signal }: Asked, tree: Tree, guards: Config): Promise<GitOutput> => {
  const ask = (): Promise<GitOutput> =>
    git.run(tree.path, [...onTree(tree), ...command], {
      access: "read",
      signal,
      timeoutMs: patienceMs,
      config: [...guards, ...unhidden],
    });
  const answer = await ask();
  return answer.stdout === "" ? ask() : answer;
};

/** Tells what git answered; what is in submodules is left to whoever looks into them. */
export const tellStatus = (tree: Tree, { stdout, stderr }: GitOutput, findings: Findings): TreeStatus => {
  const unread = unreadIn(stderr, tree.path);
  if (unread !== null) findings.doubt(unread);

  let head: string | null | undefined;
  let detached = false;
  const changed = new Set<string>();
  const moved = new Set<string>();
  const ignored: string[] = [];
  const nested = new Set<string>();
  for (const entry of stdout.split("\0")) {
    switch (entry[0]) {
      case undefined:
        break;
      case "#":
        if (entry.startsWith("# branch.oid ")) head = entry.slice(13) === "(initial)" ? null : entry.slice(13);
        if (entry === "# branch.head (detached)") detached = true;
        break;
      case "1": {
        const path = afterFields(entry, 8);
        if (entry[2] !== ".") findings.add("staged", path);
        if (entry[3] === ".") break;
        if (entry[5] === "S") {
          moved.add(path);
          break;
        }
        changed.add(path);
        findings.add("changed", path);
        break;
      }
      case "u":
        findings.add("conflicted", afterFields(entry, 10));
        break;
      case "?":
        // Files are listed one by one: only a repository is told as a folder.
        if (entry.endsWith("/")) nested.add(entry.slice(2));
        findings.add(entry.endsWith("/") ? "nested" : "untracked", entry.slice(2));
        break;
      case "!":
        ignored.push(entry.slice(2));
        break;
      default:
        findings.doubt("git's answer was not understood");
    }
  }
  if (head === undefined) findings.doubt("git's answer was not understood");
  return { head: head ?? null, detached, changed, moved, ignored, nested };
};

const afterFields = (entry: string, fields: number): string => {
  let at = 0;
  for (let field = 0; field < fields; field++) at = entry.indexOf(" ", at) + 1;
  return entry.slice(at);
};

/**
 * git skips what it cannot read, says so on stderr and exits with 0. Only the user's own settings, which it may not find
 * readable either, have nothing to do with the tree.
 */
const unreadIn = (stderr: string, path: string): string | null => {
  const line = stderr.split("\n").find((said) => {
    if (!/denied|could ?n[o']t|unable to|cannot|failed|error|too (?:long|many)|corrupt/i.test(said)) return false;
    const elsewhere = /unable to access '(\/[^']*)'/.exec(said)?.[1];
    return elsewhere === undefined || elsewhere.startsWith(`${path}/`);
  });
  return line === undefined
    ? null
    : `git could not read all of it: ${line
        .trim()
        .replace(/^(?:warning|error): /, "")
        .slice(0, 300)}`;
};
