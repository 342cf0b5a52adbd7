import { lstatSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import { isAbsent } from "../../errno.ts";
import { plumb } from "../../git/index.ts";
import { gitDirOf, isGitDir } from "../nested/git-dir.ts";
import { bytesOf, pathIn } from "../salvage/bytes.ts";
import type { Bytes } from "../salvage/bytes.ts";

/** Where a worktree came back to, and git's record of it. */
interface Back {
  readonly path: string;
  readonly record: string;
}

/**
 * Whether every file and every repository that a salvage holds is in the worktree that came back, so that its refs may go. What
 * lies in the trash can be deleted there: by a cleaner of old files, a virus scanner, or whoever still stood in it. Only
 * looks whether each is there and not empty: what was written over was written by somebody at work in it. False where it
 * cannot be told.
 */
export const isAllBack = async ({ gitDir }: Repository, salvage: Salvage, back: Back): Promise<boolean> => {
  // HEAD, stash and logs lie in git's record and in the repository, which were not in the trash.
  if (salvage.refs.every(({ ref }) => /^(?:HEAD$|(?:stash|reflog|pseudo|linked)\/)/u.test(ref))) return true;
  const commits = new Map(salvage.refs.map(({ ref, commit }) => [ref, commit]));
  const level: Level = { gitDir, commits, record: back.record, prefix: "", folder: back.path, own: back.record };
  return isThere(level).catch(() => false);
};

/** The worktree itself (prefix ""), or a repository inside it. */
interface Level {
  /** Of the repository that holds the salvage. */
  readonly gitDir: string;
  readonly commits: ReadonlyMap<string, string>;
  readonly record: string;
  /** `inside/1/inside/2/` */
  readonly prefix: string;
  /** null: it has no working tree. */
  readonly folder: string | null;
  /** Its git directory; null: it was kept as plain files. */
  readonly own: string | null;
}

const isThere = async (level: Level): Promise<boolean> => {
  if (level.folder !== null && !(await haveFiles(level, level.folder))) return false;
  for (const { ref, path, note } of await insideOf(level)) {
    const inner = placed(level, path);
    if (inner === "unnamed") continue;
    if (inner === null || (note === null && inner.own === null)) return false;
    const next: Level = { ...level, ...inner, prefix: `${level.prefix}${ref}/` };
    if (note === null && inner.own !== null && !(await hasCommits(next, inner.own))) return false;
    if (!(await isThere(next))) return false;
  }
  return true;
};

const git = async ({ gitDir }: Pick<Level, "gitDir">, args: readonly string[], input = ""): Promise<string> => {
  const dirs = [`--git-dir=${gitDir}`, `--work-tree=${gitDir}`];
  return (await plumb([...dirs, ...args], { cwd: gitDir, input })).stdout.toString("latin1");
};

/** What its files had that HEAD had not. */
const haveFiles = async (level: Level, folder: string): Promise<boolean> => {
  const worktree = level.commits.get(`${level.prefix}worktree`);
  if (worktree === undefined) return true;
  const empty = await git(level, ["hash-object", "-t", "tree", "--stdin"]);
  const head = level.commits.get(`${level.prefix}HEAD`) ?? empty.trim();
  const changes = await git(level, ["diff-tree", "-r", "-z", "--no-renames", "--raw", head, worktree, "--"]);
  const nothing = (await git(level, ["hash-object", "--stdin"])).trim();
  const fields = changes.split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = "", , oid = "", what = ""] = (fields[at] ?? "").split(" ");
    if (what === "D" || mode === "160000") continue;
    const facts = factsOf(pathIn(folder, fields[at + 1] ?? ""));
    if (facts === null || (facts.isFile() && facts.size === 0 && oid !== nothing)) return false;
  }
  return true;
};

const factsOf = (path: Buffer | string): Stats | null => {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
};

interface Noted {
  readonly ref: string;
  readonly path: string | { readonly hex: string };
  readonly note: string | null;
}

const insideOf = async (level: Level): Promise<readonly Noted[]> => {
  const state = level.commits.get(`${level.prefix}state`);
  if (state === undefined) return [];
  const text = Buffer.from(await git(level, ["cat-file", "blob", `${state}:manifest.json`]), "latin1").toString("utf8");
  const { inside } = JSON.parse(text) as { readonly inside?: readonly Noted[] }; // written by us; another iMi's is no reason to delete
  if (inside === undefined) throw new Error("not written by us");
  return inside;
};

/** null: it is gone. `unnamed`: it is there under a name that is no text, and git cannot be told of it. */
const placed = (
  { folder, own, record }: Level,
  path: Noted["path"],
): Pick<Level, "folder" | "own"> | "unnamed" | null => {
  const bytes: Bytes = typeof path === "string" ? bytesOf(path) : Buffer.from(path.hex, "hex").toString("latin1");
  const [, module] = /^\.git\/modules\/(.+)$/su.exec(typeof path === "string" ? path : "") ?? [];
  if (module !== undefined) {
    const kept = own === null ? null : join(own, "modules", module);
    return kept === null || factsOf(kept) === null ? null : { folder: null, own: isGitDir(kept) ? kept : null };
  }
  if (folder === null || factsOf(pathIn(folder, bytes)) === null) return null;
  if (typeof path !== "string") return "unnamed";
  const at = join(folder, path);
  return isGitDir(at) ? { folder: null, own: at } : { folder: at, own: gitDirOf(at, record) };
};

/** Its branches, stashes and what its log has. */
const hasCommits = async (level: Level, own: string): Promise<boolean> => {
  const made = /^(?:index(?:-\d)?|worktree|state|git|inside\/.*)$/u;
  const oids = [...level.commits].flatMap(([ref, oid]) =>
    ref.startsWith(level.prefix) && !made.test(ref.slice(level.prefix.length)) ? [oid] : [],
  );
  if (oids.length === 0) return true;
  const answer = await git({ gitDir: own }, ["cat-file", "--batch-check"], `${oids.join("\n")}\n`);
  return !answer.split("\n").some((line) => line.endsWith(" missing"));
};
