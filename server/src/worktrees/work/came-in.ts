import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mergeTree } from "../../git/index.ts";
import type { Git } from "../../git/index.ts";
import type { MergeWay } from "./merged.ts";

/**
 * Beyond these it is not looked for: commits the base went on, own commits, and paths they touch. Patch ids are computed for
 * each commit that the base went on, which takes ten times as long as the rest (0.4 s for 2 000 of git's own history).
 */
const limits = { behind: 20_000, behindForPatchIds: 2_000, own: 500, pathCharacters: 20_000 };

/** Patches compared with the branch's own, of commits that touch the very same paths. */
const compared = 20;

/** How two commits' histories differ: what only the base has, what only the tip has, and where they parted. */
export interface Apart {
  readonly behind: number;
  readonly own: number;
  readonly ownMerges: boolean;
  /** Commits that both have and one of the two goes on from. */
  readonly borders: readonly string[];
}

/** One walk through the history for all of it: in a large repository that is what takes the time. */
export const apart = async (
  git: Git,
  commonDir: string,
  tip: string,
  base: string,
  signal: AbortSignal,
): Promise<Apart> => {
  const { stdout } = await git.run(
    commonDir,
    ["--no-replace-objects", "rev-list", "--left-right", "--boundary", "--parents", `${base}...${tip}`, "--"],
    { access: "read", signal },
  );
  const borders: string[] = [];
  let [behind, own, ownMerges] = [0, 0, false];
  for (const line of stdout.split("\n")) {
    if (line.startsWith("<")) behind += 1;
    if (line.startsWith("-")) borders.push(line.slice(1).split(" ", 1)[0] ?? "");
    if (!line.startsWith(">")) continue;
    own += 1;
    ownMerges ||= line.split(" ").length > 2;
  }
  return { behind, own, ownMerges, borders };
};

/**
 * How changes of a branch that is no ancestor of the base came into it: commit by commit (patch ids), as one commit with the
 * same change, or so that the base had the same files at some time, or a merge would add nothing. null when they did not, or
 * when there is too much to look through. Writes nothing.
 */
export const cameIn = async (
  git: Git,
  commonDir: string,
  tip: string,
  base: string,
  { behind, own, ownMerges, borders }: Apart,
  signal: AbortSignal,
): Promise<MergeWay | null> => {
  const ask = async (...args: readonly string[]): Promise<string> => {
    const argv = ["--literal-pathspecs", "--no-replace-objects", ...args];
    return (await git.run(commonDir, argv, { access: "read", signal, accept: [0, 1] })).stdout;
  };
  if (behind === 0 || behind > limits.behind || own > limits.own || (await isPartial(commonDir))) return null;
  const [only = "", ...more] = borders;
  const fork = more.length === 0 ? only : (await ask("merge-base", base, tip)).trim();
  if (fork === "") return null;

  const wanted = rawEntries(await ask("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", fork, tip));
  const paths = [...wanted.keys()];
  if (paths.length === 0 || paths.join(" ").length > limits.pathCharacters) return null;

  // Merges hold changes of their own that no patch id tells.
  if (!ownMerges && behind <= limits.behindForPatchIds && (await allApplied(ask, tip, base, paths))) return "rebased";
  const at = await sameFilesAt(git, commonDir, ask, fork, base, wanted, signal);
  if (at.how !== null) return at.how;
  const change = await patch(ask, fork, tip);
  for (const candidate of at.candidates.slice(-compared)) {
    if ((await patch(ask, `${candidate}^`, candidate)) === change) return "squashed";
  }
  const merged = await mergeTree(git, commonDir, { ours: base, theirs: tip }, signal);
  return merged !== null && merged === (await ask("rev-parse", `${base}^{tree}`)).trim() ? "contained" : null;
};

type Ask = (...args: readonly string[]) => Promise<string>;

/** Before git 2.45 nothing keeps it from fetching the contents that a partial clone lacks. */
const isPartial = async (commonDir: string): Promise<boolean> =>
  /promisor|partialclone/i.test(await readFile(join(commonDir, "config"), "utf8").catch(() => ""));

/** Whether each own commit's change is a commit of the base. */
const allApplied = async (ask: Ask, tip: string, base: string, paths: readonly string[]): Promise<boolean> => {
  const left = ["--cherry-pick", "--right-only", "--no-merges", "--full-history", `${base}...${tip}`];
  return (await ask("rev-list", "--max-count=1", ...left, "--", ...paths)) === "";
};

interface Walked {
  readonly how: "squashed" | "contained" | null;
  /** Commits that touch the same paths, all of them, oldest first. */
  readonly candidates: readonly string[];
}

/** Goes along the base's first parents since the fork, and looks whether its files were the branch's at any of them. */
const sameFilesAt = async (
  git: Git,
  commonDir: string,
  ask: Ask,
  fork: string,
  base: string,
  wanted: ReadonlyMap<string, Change>,
  signal: AbortSignal,
): Promise<Walked> => {
  const paths = [...wanted.keys()];
  const commits = await ask("rev-list", "--first-parent", "--reverse", base, "--not", fork, "--", ...paths);
  if (commits === "") return { how: null, candidates: [] };
  const { stdout } = await git.run(
    commonDir,
    [
      ...["--literal-pathspecs", "--no-replace-objects", "diff-tree", "--stdin", "--diff-merges=first-parent"],
      ...["-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--", ...paths],
    ],
    { access: "read", signal, input: commits },
  );
  const different = new Set(paths);
  const candidates: string[] = [];
  for (const [commit, changes] of rawCommits(stdout)) {
    let exact = changes.size === wanted.size;
    for (const [path, { from, to }] of changes) {
      const change = wanted.get(path);
      if (change?.to === to) different.delete(path);
      else different.add(path);
      exact &&= change?.to === to && change.from === from;
    }
    if (exact) return { how: "squashed", candidates };
    if (different.size === 0) return { how: "contained", candidates };
    if (changes.size === wanted.size) candidates.push(commit);
  }
  return { how: null, candidates };
};

/** Modes and ids, such as `100644 1a2b…`. */
interface Change {
  readonly from: string;
  readonly to: string;
}

/** `:100644 100644 <id> <id> M`, then the path, each ended by NUL; before a commit's own its id. */
const rawCommits = (output: string): [commit: string, changes: Map<string, Change>][] => {
  const commits: [string, Map<string, Change>][] = [];
  const fields = output.split("\0");
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? "";
    const [, fromMode, toMode, fromId, toId] = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) [A-Z]/.exec(field) ?? [];
    if (toId === undefined) {
      if (field !== "") commits.push([field.trim(), new Map()]);
      continue;
    }
    at += 1;
    commits
      .at(-1)?.[1]
      .set(fields[at] ?? "", { from: `${fromMode ?? ""} ${fromId ?? ""}`, to: `${toMode ?? ""} ${toId}` });
  }
  return commits;
};

const rawEntries = (output: string): Map<string, Change> =>
  rawCommits(`-\0${output}`)[0]?.[1] ?? new Map<string, Change>();

/** A change as text without where in the files it is: the same for a commit and its copy on other lines of the file. */
const patch = async (ask: Ask, from: string, to: string): Promise<string> => {
  const options = ["-r", "-p", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const text = await ask("diff-tree", ...options, from, to);
  return text
    .split("\n")
    .filter((line) => !line.startsWith("index "))
    .map((line) => (line.startsWith("@@ ") ? "@@" : line))
    .join("\n");
};
