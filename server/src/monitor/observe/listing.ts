import { lstatSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { dirname, join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { listedAtMost } from "../../git/index.ts";
import type { Git, ReadStatus, WorktreePlace } from "../../git/index.ts";
import type { Matches } from "../patterns.ts";
import { absent } from "./compare.ts";
import type { Listed, ListedNow } from "./compare.ts";
import { touch, touchRules } from "./names.ts";
import type { Names } from "./names.ts";
import { inSteps } from "./steps.ts";

/** More untracked folders than this are not named one by one on git's command line. */
const foldersAtMost = 200;

export interface Listing {
  readonly files: ReadonlyMap<string, ListedNow>;
  /** Prints of those listed before that are listed no more. */
  readonly gone: ReadonlyMap<string, string>;
  /** How many more there are than can be kept; at least so many. */
  readonly beyond: number;
}

export interface ListingOptions {
  readonly git: Git;
  readonly place: WorktreePlace;
  /** What was listed before. */
  readonly before: ReadonlyMap<string, Listed>;
  /** What changed since then. */
  readonly names: Names;
  readonly excluded: Matches;
  readonly signal: AbortSignal;
}

/** What git listed, as far as it can be kept; the files of untracked folders, which git lists as a whole, one by one. */
export const listingOf = async (read: ReadStatus, options: ListingOptions): Promise<Listing> => {
  const { place, before, excluded, signal } = options;
  const step = inSteps(signal);
  const codes = new Map<string, string>();
  const folders: string[] = [];
  for (const [path, code] of read.files) {
    await step();
    if (excluded(path)) continue;
    if (code === "??" && path.endsWith("/")) folders.push(path);
    else codes.set(path, code);
  }
  let beyond = leftOut(read);
  for (const path of await filesIn(folders, options)) {
    if (codes.size >= listedAtMost) beyond++;
    else if (!excluded(path)) codes.set(path, "??");
    await step();
  }

  const disk = new Disk(place.path);
  const files = new Map<string, ListedNow>();
  for (const [path, code] of codes) {
    await step();
    files.set(path, { code, ...disk.look(path, before.get(path), code) });
  }
  const gone = new Map<string, string>();
  for (const [path, known] of before) {
    if (files.has(path)) continue;
    await step();
    gone.set(path, disk.look(path, known, "").print);
  }
  return { files, gone, beyond };
};

/** How many files git listed beside those that were kept. */
const leftOut = ({ counts, files }: ReadStatus): number =>
  files.length < listedAtMost
    ? 0
    : Math.max(0, Math.max(counts.staged, counts.changed) + counts.untracked + counts.conflicted - files.length);

/** The files of untracked folders that git does not ignore; git is asked of those alone in which something may have changed. */
const filesIn = async (folders: readonly string[], options: ListingOptions): Promise<string[]> => {
  const { before, names } = options;
  if (folders.length === 0) return [];
  const known = Map.groupBy(before.keys(), folderIn(new Set(folders)));
  const rules = touchRules(names);
  const [asked, kept]: [string[], string[]] = [[], []];
  for (const folder of folders) {
    const files = known.get(folder);
    if (rules || files === undefined || touch(names, folder)) asked.push(folder);
    else kept.push(...files);
  }
  return asked.length === 0 ? kept : [...kept, ...(await askFiles(asked, options))];
};

/** Where git does not say in time, or its answer is too long to read, the folders stand for their files. */
const askFiles = async (folders: readonly string[], { git, place, signal }: ListingOptions): Promise<string[]> => {
  const few = folders.length <= foldersAtMost;
  const at = [`--git-dir=${place.gitDir}`, `--work-tree=${place.path}`, "--literal-pathspecs"];
  const asked = ["ls-files", "-z", "--others", "--exclude-standard", "--", ...(few ? folders : [])];
  try {
    const { stdout } = await git.run(place.path, [...at, ...asked], { access: "read", signal });
    const folderOf = folderIn(new Set(folders));
    return stdout.split("\0").filter((path) => path !== "" && (few || folderOf(path) !== null));
  } catch (error) {
    if (ImiError.is(error, "git/timeout") || ImiError.is(error, "git/failed")) return [...folders];
    throw error;
  }
};

/** Which of these folders (each with a slash at its end) a path lies in. */
const folderIn =
  (folders: ReadonlySet<string>) =>
  (path: string): string | null => {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
      if (folders.has(path.slice(0, slash + 1))) return path.slice(0, slash + 1);
    return null;
  };

/** Looks at the files of one worktree on the disk. */
class Disk {
  readonly #root: string;
  readonly #folders = new Map<string, number>();

  constructor(root: string) {
    this.#root = root;
  }

  look(path: string, known: Listed | undefined, code: string): { print: string; changed: number } {
    // Its name is not UTF-8, so that it cannot be named here.
    if (path.includes("\uFFFD")) return { print: "?", changed: 0 };
    const facts = statOrNull(join(this.#root, path));
    if (facts === null || isInstead(facts, known, code))
      return { print: absent, changed: known === undefined ? this.#folderChanged(dirname(path)) : 0 };
    const { size, mtimeNs, ino, mode, ctimeMs } = facts;
    // A folder (of a submodule, or of a repository inside) changes with whatever is made in it.
    const state = facts.isDirectory() ? [ino] : [ino, size, mtimeNs, mode];
    return { print: state.map((part) => part.toString(36)).join("."), changed: Number(ctimeMs) };
  }

  /** When the folder a file went from last changed; of a folder that went too, the one it went from. */
  #folderChanged(folder: string): number {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const facts = statOrNull(join(this.#root, folder));
    const changed =
      facts?.isDirectory() === true ? Number(facts.ctimeMs) : folder === "." ? 0 : this.#folderChanged(dirname(folder));
    this.#folders.set(folder, changed);
    return changed;
  }
}

/** Whether a folder lies where a file was. */
const isInstead = (facts: BigIntStats, known: Listed | undefined, code: string): boolean =>
  facts.isDirectory() && (code[1] === "D" || (code === "" && known?.print.includes(".") === true));

const statOrNull = (path: string): BigIntStats | null => {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // a file where a folder was, or a folder that may not be entered: as good as absent
  }
};
