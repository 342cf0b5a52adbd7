import { readdirSync, realpathSync, statSync } from "node:fs";
import type { Dirent } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { codeOf, codeOrMessage } from "../../errno.ts";
import { lookAt } from "./files.ts";

/** A file of sync/ that belongs into every worktree. */
export interface Source {
  /** Where it goes, relative to the worktree, with `/`. */
  readonly path: string;
  /** The file inside sync/: what links point to. Absolute, without symbolic links in its folders. */
  readonly file: string;
}

export interface Sources {
  readonly files: readonly Source[];
  readonly byPath: ReadonlyMap<string, Source>;
  /** Folders that links may point into: absolute, real. */
  readonly boundary: readonly string[];
  /** What is in sync/ and not linked, with the reason; `path` is relative to the container. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  /** False when a part of sync/ could not be read: then nothing counts as removed from it. */
  readonly complete: boolean;
}

interface Place {
  readonly container: string;
  readonly globalPath: string;
  readonly repoPath: string;
  readonly patterns: readonly string[];
}

/** sync/ is for dotfiles: beyond this it is something else, e.g. a whole home folder. */
const mostFiles = 5000;
const deepest = 32;

const nothing: Sources = { files: [], byPath: new Map(), boundary: [], skipped: [], complete: true };

/** Where the two folders are: absolute, the folder that wins first. */
export function sourceFolders(place: Omit<Place, "patterns">): string[] {
  const folders = [place.repoPath, place.globalPath].map((path) => resolve(place.container, path));
  return folders[0] === folders[1] ? folders.slice(0, 1) : folders;
}

/** The folder named sync/: what both folders are directly in, when that is one folder below the container. */
function syncFolder(container: string, folders: readonly string[]): string | null {
  const [first, ...others] = folders.map((folder) => dirname(folder));
  if (first === undefined || others.some((other) => other !== first)) return null;
  return first.startsWith(container + sep) ? first : null;
}

/** Every file of sync/ that matches the patterns. Costs one stat where there is no sync/. */
export async function readSources(place: Place, worktrees: readonly { readonly path: string }[]): Promise<Sources> {
  const named = sourceFolders(place);
  const container = resolve(place.container);
  const sync = syncFolder(container, named);
  if (sync !== null && lookAt(sync) === null) return { ...nothing, boundary: boundaryOf(container, sync, named) };

  const boundary = boundaryOf(container, sync, named);
  const walk = new Walk(container, boundary);
  const roots: string[] = [];
  for (const folder of named) {
    const real = walk.root(folder, worktrees);
    if (real !== null) roots.push(real);
  }
  for (const root of roots) walk.folder(root, "", roots);

  const matches = await matcher(place.patterns);
  const byPath = new Map<string, Source>();
  const folders = new Set<string>();
  const kept: Source[] = [];
  // The folder that wins comes first.
  for (const source of walk.files) {
    if (byPath.has(source.path) || !matches(source.path)) continue;
    const parents = parentsOf(source.path);
    if (folders.has(source.path) || parents.some((parent) => byPath.has(parent))) {
      walk.skip(source.file, "it is a file in one folder of sync/ and a folder in the other");
      continue;
    }
    byPath.set(source.path, source);
    for (const parent of parents) folders.add(parent);
    kept.push(source);
  }
  return { files: kept, byPath, boundary, skipped: walk.skipped, complete: walk.complete };
}

/** Where links may point, also when it is gone: sync/ itself, or the two folders where they are not side by side in it. */
function boundaryOf(container: string, sync: string | null, named: readonly string[]): readonly string[] {
  let real: string;
  try {
    real = realpathSync.native(container);
  } catch {
    return [];
  }
  if (sync !== null) return [join(real, relative(container, sync))];
  return named.flatMap((folder) => {
    if (folder.startsWith(container + sep)) return [join(real, relative(container, folder))];
    try {
      return [...new Set([folder, realpathSync.native(folder)])];
    } catch {
      return [folder];
    }
  });
}

/** `a/b/c` → `a`, `a/b`. */
export function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) parents.push(path.slice(0, at));
  return parents;
}

export function isInside(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder + sep));
}

class Walk {
  readonly files: Source[] = [];
  readonly skipped: { path: string; reason: string }[] = [];
  readonly #boundary: readonly string[];
  readonly #container: string;
  complete = true;
  #full = false;

  constructor(container: string, boundary: readonly string[]) {
    this.#container = container;
    this.#boundary = boundary;
  }

  skip(file: string, reason: string): void {
    const path = relative(this.#container, file);
    this.skipped.push({ path: path.startsWith("..") ? file : path.replaceAll(sep, "/"), reason });
  }

  /** The folder's real path, or null when it is not there or not to be used. */
  root(folder: string, worktrees: readonly { readonly path: string }[]): string | null {
    try {
      const found = lookAt(folder);
      if (found === null) return null;
      const inside = relative(this.#container, folder);
      if (inside === "" || /^(\.\.[\\/]?)+$/.test(inside)) {
        this.skip(folder, "it holds the worktrees; sync needs a folder of its own");
        return null;
      }
      const real = realpathSync.native(folder);
      // Below the container nothing may lead elsewhere; a folder that the user placed elsewhere is taken at its word.
      const below = !inside.startsWith("..") && !isAbsolute(inside);
      const expected = below ? join(realpathSync.native(this.#container), inside) : null;
      if (found.isSymbolicLink() || (expected !== null && expected !== real)) {
        this.skip(folder, "it is a symbolic link out of sync/");
        return null;
      }
      if (!found.isDirectory()) {
        this.skip(folder, "it is not a folder");
        return null;
      }
      if (worktrees.some(({ path }) => path === real || path.startsWith(real + sep))) {
        this.skip(folder, "it holds a worktree; sync needs a folder of its own");
        return null;
      }
      return real;
    } catch (error) {
      this.#unread(folder, error);
      return null;
    }
  }

  folder(folder: string, prefix: string, roots: readonly string[], depth = 0): void {
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      if (codeOf(error) !== "ENOENT") this.#unread(folder, error);
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const file = join(folder, entry.name);
      const path = prefix + entry.name;
      if (isGit(entry.name)) this.skip(file, "a .git is never linked");
      else if (entry.isDirectory()) {
        if (roots.includes(file)) continue;
        if (depth === deepest) this.skip(file, `it is more than ${deepest} folders deep`);
        else this.folder(file, `${path}/`, roots, depth + 1);
      } else if (this.files.length >= mostFiles) {
        if (!this.#full) this.skip(folder, `there are more than ${mostFiles} files in sync/; the rest is not linked`);
        this.#full = true;
        this.complete = false;
      } else if (entry.isFile()) this.#file(file, path, entry.name);
      else if (entry.isSymbolicLink()) this.#link(file, path);
      else this.skip(file, "it is not a file");
    }
  }

  #file(file: string, path: string, name: string): void {
    // Names that are not UTF-8 do not survive in a string: whoever opened this one would find nothing.
    if (name.includes("\uFFFD") && lookAt(file) === null) this.skip(file, "its name is not UTF-8");
    else this.files.push({ path, file });
  }

  #link(file: string, path: string): void {
    try {
      const real = realpathSync.native(file);
      if (!isInside(real, this.#boundary)) this.skip(file, "it leads out of sync/");
      else if (statSync(real).isFile()) this.files.push({ path, file });
      else this.skip(file, "it leads to something that is not a file");
    } catch (error) {
      this.skip(file, codeOf(error) === "ELOOP" ? "it leads to itself" : `it leads nowhere (${codeOrMessage(error)})`);
    }
  }

  #unread(path: string, error: unknown): void {
    this.complete = false;
    this.skip(path, `it cannot be read (${codeOrMessage(error)})`);
  }
}

/** Names that some file system takes for `.git`: other cases, trailing dots and spaces, short names, HFS's ignored characters. */
function isGit(name: string): boolean {
  const plain = name
    .replace(/[\u200C-\u200F\u202A-\u202E\u206A-\u206F\uFEFF]/g, "")
    .replace(/[. ]+$/, "")
    .toLowerCase();
  return plain === ".git" || /^git~\d+$/.test(plain);
}

async function matcher(patterns: readonly string[]): Promise<(path: string) => boolean> {
  if (patterns.length === 1 && patterns[0] === "**") return () => true;
  const { default: ignore } = await import("ignore");
  const rules = ignore({ ignorecase: false, allowRelativePaths: true }).add([...patterns]);
  return (path) => rules.ignores(path);
}
