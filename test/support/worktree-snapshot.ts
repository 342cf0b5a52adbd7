import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { basename, join } from "node:path";
import { isAbsent } from "../../server/src/errno.ts";

/**
 * All of a worktree that has to be the same after it went and came back: its bytes, what git says of it, git's record
 * of it, and the repository's refs. Plain text in sorted lines, so that a difference can be read.
 */
export interface WorktreeSnapshot {
  readonly entries: readonly string[];
  /** git's own folder of this worktree: index, HEAD, operation in progress, reflog, repositories of submodules. */
  readonly record: readonly string[];
  /** By directory ("" is the worktree, the rest are repositories inside it) what git answers there. */
  readonly git: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Refs, stash and configuration of the repository, and whether its objects are whole. */
  readonly repository: Readonly<Record<string, string>>;
}

export interface SnapshotOptions {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  /** As if the worktree had no name, place and branch of its own, which was one of these: for one that came back under others. */
  readonly anonymous?: { readonly branches: readonly string[] };
}

/** Reads only: takes no lock of git's and leaves the index as it is. */
export const snapshotWorktree = ({ path, env, anonymous }: SnapshotOptions): WorktreeSnapshot => {
  const gitDir = gitDirOf(path);
  const commonDir = join(gitDir, readFileSync(join(gitDir, "commondir"), "utf8").trim());
  const names = anonymous === undefined ? [] : namesOf(path, gitDir, anonymous.branches);
  const said = (text: string): string => names.reduce((rest, [name, token]) => rest.replaceAll(name, token), text);
  const entries = entriesOf(path, { said, times: "files" });
  const inside = entries.repositories.filter((folder) => folder !== "");
  return {
    entries: entries.lines,
    // The index's time is compared too: by it git knows which of its entries it may not believe.
    record: entriesOf(gitDir, { said, times: "index" }).lines,
    git: Object.fromEntries(
      ["", ...inside].map((folder) => [folder, answersOf(join(path, folder), env, said, folder === "")]),
    ),
    repository: repositoryAnswers(commonDir, env, said),
  };
};

/** The folder that a worktree's `.git` file names. */
export const gitDirOf = (path: string): string => {
  const text = readFileSync(join(path, ".git"), "utf8");
  return text.replace(/^gitdir: /, "").replace(/\n$/, "");
};

/** The longest first, because the shorter ones may be part of them. */
const namesOf = (path: string, gitDir: string, branches: readonly string[]): [string, string][] => {
  const head = readFileSync(join(gitDir, "HEAD"), "utf8").trim();
  const own = head.startsWith("ref: refs/heads/") ? [head.slice("ref: refs/heads/".length)] : [];
  const names: [string, string][] = [
    [path, "<path>"],
    [`worktrees/${basename(gitDir)}`, "worktrees/<id>"],
    [basename(path), "<folder>"],
    ...[...own, ...branches].map((branch): [string, string] => [branch, "<branch>"]),
  ];
  // As they are printed: bytes taken for characters, and escaped.
  const printed = names.flatMap(([name, token]): [string, string][] => [
    [Buffer.from(name).toString("latin1"), token],
    [escaped(Buffer.from(name)), token],
  ]);
  return printed.toSorted(([one], [other]) => other.length - one.length);
};

interface Walk {
  readonly said: (text: string) => string;
  /** Whose time of change counts: a folder's does not say anything of its content. */
  readonly times: "files" | "index";
}

interface Entries {
  readonly lines: string[];
  /** Folders, relative, that hold a `.git`. */
  readonly repositories: string[];
}

const slash = Buffer.from("/");

/** Names are bytes on the disk: they are compared as such and shown escaped. */
const entriesOf = (root: string, walk: Walk): Entries => {
  const found: Entries = { lines: [], repositories: [] };
  const links = new Map<bigint, string>();
  const visit = (folder: Buffer, shown: string): void => {
    const names = readdirSync(folder, { encoding: "buffer" });
    for (const name of names.toSorted((one, other) => one.compare(other))) {
      const path = Buffer.concat([folder, slash, name]);
      const here = shown === "" ? escaped(name) : `${shown}/${escaped(name)}`;
      if (name.equals(Buffer.from(".git"))) found.repositories.push(shown);
      try {
        const facts = lstatSync(path, { bigint: true });
        const told = describe(path, facts, walk, name.toString("latin1"));
        found.lines.push(`${here} ${told}${sharing(facts, here, links)}`);
        if (facts.isDirectory()) visit(path, here);
      } catch (error) {
        if (!isPassingLock(name, error)) throw error;
      }
    }
  };
  found.lines.push(`. ${describe(Buffer.from(root), lstatSync(root, { bigint: true }), walk, "")}`);
  visit(Buffer.from(root), "");
  return found;
};

/** A git beside the test had it locked when the folder was read, and has not any more. */
const isPassingLock = (name: Buffer, error: unknown): boolean =>
  isAbsent(error) && name.toString("latin1").endsWith(".lock");

const escaped = (name: Buffer): string =>
  name.toString("latin1").replace(/[^ -[\]-~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

const describe = (path: Buffer, facts: BigIntStats, { said, times }: Walk, name: string): string => {
  const mode = (facts.mode & 0o7777n).toString(8).padStart(4, "0");
  const common = `${mode} ${facts.uid}:${facts.gid}`;
  if (facts.isSymbolicLink()) return `link ${common} ${said(escaped(readlinkSync(path, { encoding: "buffer" })))}`;
  if (facts.isDirectory()) return `folder ${common}`;
  if (facts.isFIFO()) return `fifo ${common}`;
  if (facts.isSocket()) return `socket ${common}`;
  if (!facts.isFile()) return `special ${common} ${facts.rdev}`;
  const time = times === "files" || name === "index" ? ` ${facts.mtimeNs}` : "";
  // `.git` links and git's own small files name places; what they say is compared, not only whether it is the same.
  if ((times === "index" || name === ".git") && facts.size < 4096n) {
    const text = readFileSync(path).toString("latin1");
    if (!text.includes("\0")) return `file ${common}${name === "index" ? time : ""} ${JSON.stringify(said(text))}`;
  }
  return `file ${common} ${facts.size} ${digest(path, Number(facts.size))}${time}`;
};

/** Hard links of one file: they must still be one. */
const sharing = (facts: BigIntStats, here: string, links: Map<bigint, string>): string => {
  if (!facts.isFile() || facts.nlink < 2n) return "";
  const first = links.get(facts.ino);
  if (first === undefined) links.set(facts.ino, here);
  return ` ${facts.nlink} links${first === undefined ? "" : `, same as ${first}`}`;
};

const digest = (path: Buffer, size: number): string => {
  const hash = createHash("sha256");
  const file = openSync(path, "r");
  try {
    const chunk = Buffer.allocUnsafe(Math.min(Math.max(size, 1), 1 << 22));
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest("hex").slice(0, 24);
};

/** What git prints, or that it fails: a damaged worktree has to come back as damaged as it was. */
const answer = (cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): string => {
  try {
    const stdout = execFileSync("git", ["--no-optional-locks", "-c", "diff.autoRefreshIndex=false", ...args], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 1 << 30,
    });
    return stdout.toString("latin1").replaceAll("\0", "\n");
  } catch (error) {
    // What execFileSync throws when the program ran and failed; its sentence is not always the same one.
    const { status } = error as { readonly status?: number };
    return `failed with ${status}`;
  }
};

const answersOf = (
  cwd: string,
  env: NodeJS.ProcessEnv,
  said: (text: string) => string,
  isWorktree: boolean,
): Record<string, string> => {
  const git = (...args: string[]): string => said(answer(cwd, env, ...args));
  return {
    status: git("status", "--porcelain=v2", "-z", "--branch", "--show-stash", "--ignored", "--untracked-files=all"),
    index: git("ls-files", "-s", "-z"),
    flags: git("ls-files", "-v", "-f", "-z"),
    resolved: git("ls-files", "--resolve-undo", "-z"),
    staged: git("diff", "--cached", "--no-ext-diff", "--raw", "-z", "--no-renames"),
    head: `${git("rev-parse", "HEAD")}${git("symbolic-ref", "-q", "HEAD")}`,
    reflog: git("reflog", "show", "HEAD", "--format=%H %gs"),
    stash: git("stash", "list", "--format=%H %gs"),
    own: git("for-each-ref", "--format=%(refname) %(objectname)", "refs/bisect", "refs/worktree", "refs/rewritten"),
    submodules: git("submodule", "status", "--recursive"),
    ...(isWorktree ? {} : { refs: git("for-each-ref", "--format=%(refname) %(objectname)") }),
  };
};

const repositoryAnswers = (
  commonDir: string,
  env: NodeJS.ProcessEnv,
  said: (text: string) => string,
): Record<string, string> => {
  const git = (...args: string[]): string => said(answer(commonDir, env, `--git-dir=${commonDir}`, ...args));
  return {
    refs: git("for-each-ref", "--format=%(refname) %(objectname) %(symref)")
      .split("\n")
      .filter((line) => !line.startsWith("refs/salvage/"))
      .join("\n"),
    stash: git("stash", "list", "--format=%H %gs"),
    configuration: said(readFileSync(join(commonDir, "config"), "latin1")),
    objects: git("fsck", "--connectivity-only", "--no-dangling", "--no-progress"),
  };
};
