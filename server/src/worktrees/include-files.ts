import type { Stats } from "node:fs";
import { constants } from "node:fs";
import { copyFile, lstat, lutimes, mkdir, readFile, readlink, stat, symlink, utimes } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { codeOrMessage } from "../errno.ts";

export interface IncludeOptions {
  /** Top of the main worktree. */
  readonly from: string;
  /** Top of the new worktree. */
  readonly to: string;
  readonly patternsFile: ".worktreeinclude";
  /** VS Code's `git.worktreeIncludeFiles`: globs anchored at the top, with `{a,b}`. */
  readonly extraGlobs: readonly string[];
  /** Runs git in `cwd`; rejects when it fails. */
  readonly git: (cwd: string, args: readonly string[], input?: string) => Promise<{ readonly stdout: string }>;
  readonly signal?: AbortSignal | undefined;
  /** What is copied at most; the rest is skipped and told. Default 200 000 files, 20 GiB. */
  readonly limits?: { readonly files: number; readonly bytes: number };
}

export interface Included {
  readonly copied: number;
  readonly bytes: number;
  readonly skipped: { readonly path: string; readonly reason: string }[];
}

const atOnce = 16;
const mostSettingsBytes = 1_000_000;
/** Each skipped file is told up to here; beyond, only how many more. */
const mostTold = 100;

/**
 * Copies the files that the main worktree's `.worktreeinclude` (patterns as in .gitignore) or VS Code's setting names,
 * and that git ignores and does not track there, to the same place in a new worktree. Modes and times are kept, links
 * stay links, nothing in `to` is overwritten or written through a link. Without patterns it costs one stat; with them
 * two runs of git, which walk what git's own matching walks. Not atomic: whoever kills it removes the worktree.
 */
export async function copyIncludedFiles(options: IncludeOptions): Promise<Included> {
  const { from, to, extraGlobs, signal } = options;
  signal?.throwIfAborted();
  const rules: string[] = [];
  const skipped: { path: string; reason: string }[] = [];
  const file = join(from, options.patternsFile);
  const patterns = await readPatterns(file);
  if (patterns.note !== null) skipped.push({ path: options.patternsFile, reason: patterns.note });
  if (patterns.any) rules.push(`--exclude-from=${file}`);
  rules.push(...extraGlobs.flatMap(asIgnorePatterns).map((pattern) => `--exclude=${pattern}`));
  if (rules.length === 0) return { copied: 0, bytes: 0, skipped };

  const matching = await list(options, ["--ignored", ...rules]);
  if (matching.length === 0) return { copied: 0, bytes: 0, skipped };
  // What matches, is untracked, and is not among the untracked that git does not ignore.
  const visible = new Set(await list(options, ["--exclude-standard"]));
  const paths = matching.filter((path) => !visible.has(path) && !isBelow(path, visible));
  return copyAll(options, to, paths, skipped);
}

async function readPatterns(file: string): Promise<{ any: boolean; note: string | null }> {
  try {
    const found = await stat(file);
    // git would wait for ever for a pipe.
    if (!found.isFile()) return { any: false, note: "it is not a file" };
    if (found.size > mostSettingsBytes) return { any: false, note: "it is larger than 1 MB" };
    return { any: /^[^\r\n#]/m.test(await readFile(file, "utf8")), note: null };
  } catch (error) {
    const code = codeOrMessage(error);
    return { any: false, note: code === "ENOENT" ? null : `it cannot be read (${code})` };
  }
}

async function list(options: IncludeOptions, args: readonly string[]): Promise<string[]> {
  const { stdout } = await options.git(options.from, ["ls-files", "--others", "-z", ...args]);
  options.signal?.throwIfAborted();
  return stdout.split("\0").filter((path) => path !== "");
}

/** git lists a repository inside this one as a folder, `vendor/`, without what is in it. */
function isBelow(path: string, visible: ReadonlySet<string>): boolean {
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    if (visible.has(path.slice(0, at + 1))) return true;
  }
  return false;
}

/** VS Code's globs are anchored and know `{a,b}`; those of .gitignore are not and do not. */
export function asIgnorePatterns(glob: string): string[] {
  return [...new Set(withoutBraces(glob.trim().replace(/^\.?\/+/, "")))]
    .filter((plain) => plain !== "" && !plain.split("/").includes(".."))
    .slice(0, 256)
    .map((plain) => `/${plain}`);
}

/** `a{b,c}` → `ab`, `ac`; braces that do not close, or hold no comma, stay as they are. */
function withoutBraces(glob: string): string[] {
  const done: string[] = [];
  const open = [glob];
  for (let next = open.pop(); next !== undefined && done.length < 256; next = open.pop()) {
    const inner = /\{([^{}]*,[^{}]*)\}/.exec(next);
    if (inner === null) done.push(next);
    else {
      const [whole, choices = ""] = inner;
      const after = next.slice(inner.index + whole.length);
      for (const choice of choices.split(",")) open.push(next.slice(0, inner.index) + choice + after);
    }
    if (open.length > 1024) return done;
  }
  return done;
}

async function copyAll(
  options: IncludeOptions,
  to: string,
  paths: readonly string[],
  skipped: { path: string; reason: string }[],
): Promise<Included> {
  const limits = options.limits ?? { files: 200_000, bytes: 20 * 2 ** 30 };
  const folders = new Folders(to);
  let copied = 0;
  let bytes = 0;
  let untold = 0;
  const skip = (path: string, reason: string): void => {
    if (skipped.length < mostTold) skipped.push({ path, reason });
    else untold += 1;
  };
  const queue = paths.values();
  const work = async (): Promise<void> => {
    for (const path of queue) {
      options.signal?.throwIfAborted();
      if (copied >= limits.files || bytes >= limits.bytes) {
        skip(path, "there is more than is copied into a worktree");
        continue;
      }
      // Counted before the copy, so that sixteen at once keep to the limit too.
      copied += 1;
      const done = await copyOne(options.from, to, path, folders, limits.bytes - bytes);
      if (typeof done === "number") bytes += done;
      else {
        copied -= 1;
        skip(path, done);
      }
    }
  };
  // All of them have stopped when this returns, also when cancelled: the caller may remove the worktree then.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, paths.length) }, work));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  if (untold > 0) skipped.push({ path: "…", reason: `and ${untold} more` });
  return { copied, bytes, skipped };
}

/** Bytes copied, or why not. */
async function copyOne(
  from: string,
  to: string,
  path: string,
  folders: Folders,
  room: number,
): Promise<number | string> {
  if (path.endsWith("/")) return "it is a repository of its own";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git")) {
    return "its path is not safe";
  }
  const source = join(from, path);
  const target = join(to, path);
  try {
    const found = await lstat(source);
    if (!found.isFile() && !found.isSymbolicLink()) return "it is not a file";
    if (found.size > room) return "there is more than is copied into a worktree";
    const trouble = await folders.make(dirname(path));
    if (trouble !== null) return trouble;
    await (found.isFile() ? copyRegular(source, target, found) : copyLink(source, target, found));
    return found.isFile() ? found.size : 0;
  } catch (error) {
    const code = codeOrMessage(error);
    if (code === "EEXIST") return "something of this name is there";
    return code === "ENOENT" ? "it is gone" : `it could not be copied (${code})`;
  }
}

async function copyRegular(source: string, target: string, found: Stats): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await utimes(target, found.atimeMs / 1000, found.mtimeMs / 1000);
}

async function copyLink(source: string, target: string, found: Stats): Promise<void> {
  await symlink(await readlink(source), target);
  await lutimes(target, found.atimeMs / 1000, found.mtimeMs / 1000).catch(() => undefined);
}

/** Makes folders below the worktree one by one, never through a link; each is looked at once. */
class Folders {
  readonly #to: string;
  readonly #made = new Map<string, Promise<string | null>>();

  constructor(to: string) {
    this.#to = to;
  }

  /** Null when the folder is there, else why files cannot be put into it. */
  make(folder: string): Promise<string | null> {
    if (folder === ".") return Promise.resolve(null);
    const known = this.#made.get(folder);
    if (known !== undefined) return known;
    const making = this.#make(folder);
    this.#made.set(folder, making);
    return making;
  }

  async #make(folder: string): Promise<string | null> {
    const trouble = await this.make(dirname(folder));
    if (trouble !== null) return trouble;
    const full = join(this.#to, folder.replaceAll("/", sep));
    try {
      await mkdir(full);
      return null;
    } catch (error) {
      if (codeOrMessage(error) !== "EEXIST") return `${folder} cannot be made (${codeOrMessage(error)})`;
    }
    const found = await lstat(full);
    if (found.isDirectory()) return null;
    return found.isSymbolicLink() ? `${folder} is a symbolic link, which is not followed` : `${folder} is not a folder`;
  }
}

/**
 * VS Code's `git.worktreeIncludeFiles` as the checkout's own `.vscode/settings.json` has it (the user's settings are
 * not seen from here). `note` tells why a file that is there could not be used.
 */
export async function readWorktreeIncludeSetting(
  worktree: string,
): Promise<{ readonly globs: readonly string[]; readonly note: string | null }> {
  const name = ".vscode/settings.json";
  let text: string;
  try {
    const found = await stat(join(worktree, name));
    if (!found.isFile()) return { globs: [], note: `${name} is not a file` };
    if (found.size > mostSettingsBytes) return { globs: [], note: `${name} is larger than 1 MB` };
    text = await readFile(join(worktree, name), "utf8");
  } catch (error) {
    const code = codeOrMessage(error);
    return { globs: [], note: code === "ENOENT" || code === "ENOTDIR" ? null : `${name} cannot be read (${code})` };
  }
  // Most settings do not name it, and then nothing is parsed.
  if (!text.includes("git.worktreeIncludeFiles")) return { globs: [], note: null };
  const { parse } = await import("jsonc-parser");
  const errors: { error: number; offset: number; length: number }[] = [];
  const settings: unknown = parse(text.replace(/^\uFEFF/, ""), errors, { allowTrailingComma: true });
  if (errors.length > 0) return { globs: [], note: `${name} is not valid JSON; git.worktreeIncludeFiles is not used` };
  const value =
    typeof settings === "object" && settings !== null && "git.worktreeIncludeFiles" in settings
      ? settings["git.worktreeIncludeFiles"]
      : [];
  if (!Array.isArray(value) || !value.every((glob) => typeof glob === "string")) {
    return { globs: [], note: `git.worktreeIncludeFiles in ${name} is not a list of globs` };
  }
  return { globs: value, note: null };
}
