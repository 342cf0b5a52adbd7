import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join, resolve } from "node:path";
import { codeOf } from "../../errno.ts";

/** Memory that one index after the other is read into. */
export class Scratch {
  #bytes = Buffer.alloc(0);

  /** The file's bytes, valid until the next call. */
  read(file: string): Buffer {
    const descriptor = openSync(file, "r");
    try {
      const { size } = fstatSync(descriptor);
      if (this.#bytes.length < size) this.#bytes = Buffer.allocUnsafeSlow(size);
      let filled = 0;
      while (filled < size) {
        const more = readSync(descriptor, this.#bytes, filled, size - filled, filled);
        if (more === 0) break;
        filled += more;
      }
      return this.#bytes.subarray(0, filled);
    } finally {
      closeSync(descriptor);
    }
  }
}

/**
 * Which of these paths git tracks. The worktree's index is read directly: a file added to sync/ asks for every worktree
 * at once, and a git process each would take longer than all the rest. Where the index is in a form that this does not
 * read (version 4, split, sparse, SHA-256), `ask` decides.
 */
export async function trackedPaths(
  worktree: string,
  paths: readonly string[],
  scratch: Scratch,
  ask: (worktree: string, paths: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<ReadonlySet<string>> {
  let index: Buffer;
  try {
    index = scratch.read(join(gitDir(worktree), "index"));
  } catch (error) {
    // A worktree without a checkout has no index yet, and tracks nothing.
    return codeOf(error) === "ENOENT" ? new Set() : ask(worktree, paths);
  }
  return tracked(index, paths) ?? ask(worktree, paths);
}

/** The worktree's own git directory. */
export function gitDir(worktree: string): string {
  const dotGit = join(worktree, ".git");
  let text: string;
  try {
    text = readFileSync(dotGit, "utf8");
  } catch (error) {
    if (codeOf(error) === "EISDIR" || codeOf(error) === "EPERM") return dotGit;
    throw new Error(`${dotGit} cannot be read`, { cause: error });
  }
  const target = /^gitdir: (.+?)\r?\n?$/s.exec(text)?.[1];
  if (target === undefined) throw new Error(`${dotGit} does not name a git directory`);
  return resolve(worktree, target);
}

/** On these the file system takes names that differ in case for one. */
const foldsCase = process.platform === "darwin" || process.platform === "win32";

const headerSize = 12;
/** Sizes that end with a SHA-1: of an entry before its flags, and of the file's own sum. */
const entryFixed = 60;
const sumSize = 20;

/**
 * gitformat-index(5), versions 2 and 3. Null when it is anything else, which shows in that the entries and extensions
 * do not end where the file's sum begins.
 */
function tracked(index: Buffer, paths: readonly string[]): ReadonlySet<string> | null {
  if (index.length < headerSize + sumSize || index.toString("latin1", 0, 4) !== "DIRC") return null;
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3) return null;

  const wanted = new Map<number, { readonly path: string; readonly name: string }[]>();
  for (const path of paths) {
    const name = Buffer.from(path).toString("latin1");
    const ofLength = wanted.get(name.length) ?? [];
    ofLength.push({ path, name: foldsCase ? name.toLowerCase() : name });
    wanted.set(name.length, ofLength);
  }

  const found = new Set<string>();
  const end = index.length - sumSize;
  let at = headerSize;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    if (at + entryFixed + 4 > end) return null;
    const high = index[at + entryFixed] ?? 0;
    const start = at + entryFixed + ((high & 0x40) === 0 ? 2 : 4);
    let length = ((high & 0x0f) << 8) | (index[at + entryFixed + 1] ?? 0);
    if (length === 0xfff) length = index.indexOf(0, start + length) - start;
    if (length <= 0 || index[start + length] !== 0) return null;
    const candidates = wanted.get(length);
    if (candidates !== undefined) {
      const raw = index.toString("latin1", start, start + length);
      const name = foldsCase ? raw.toLowerCase() : raw;
      for (const candidate of candidates) if (candidate.name === name) found.add(candidate.path);
    }
    // Entries are padded with one to eight NULs to a multiple of eight.
    at += (start - at + length + 8) & ~7;
  }
  while (at + 8 <= end) {
    const signature = index.toString("latin1", at, at + 4);
    // `link`: the entries are in another file too. `sdir`: a folder may stand for its files.
    if (signature === "link" || signature === "sdir") return null;
    at += 8 + index.readUInt32BE(at + 4);
  }
  return at === end ? found : null;
}
