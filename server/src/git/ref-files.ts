import { readFileSync } from "node:fs";
import { join } from "node:path";
import { refsInFiles } from "./records.ts";

const commitPattern = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** More links than this are a loop. */
const deepest = 5;

/**
 * Commits of refs, read from git's own files: some microseconds instead of a process. Whatever is not plainly there
 * answers null and is a question for git: refs kept otherwise (reftable), names that need its rules, a ref just packed.
 */
export class RefFiles {
  readonly #commonDir: string;
  readonly #inFiles: boolean;
  #packed: ReadonlyMap<string, string> | null = null;

  constructor(commonDir: string) {
    this.#commonDir = commonDir;
    this.#inFiles = refsInFiles(commonDir);
  }

  /** The commit of a full name such as refs/heads/main. */
  commitOf(ref: string, depth = 0): string | null {
    if (!this.#inFiles || depth > deepest || !isPlain(ref)) return null;
    const loose = this.#read(ref)?.trim();
    if (loose?.startsWith("ref: ") === true) return this.commitOf(loose.slice("ref: ".length), depth + 1);
    if (loose !== undefined) return commitPattern.test(loose) ? loose : null;
    this.#packed ??= this.#readPacked();
    return this.#packed.get(ref) ?? null;
  }

  /** The commit `git rev-parse` finds for a branch's short name (main, origin/main), where nothing goes before it. */
  commitOfShort(name: string): string | null {
    const before = [name, `refs/${name}`, `refs/tags/${name}`];
    if (before.some((ref) => this.#exists(ref))) return null;
    return this.commitOf(`refs/heads/${name}`) ?? this.commitOf(`refs/remotes/${name}`);
  }

  #exists(ref: string): boolean {
    this.#packed ??= this.#readPacked();
    return this.#packed.has(ref) || this.#read(ref) !== undefined;
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.#commonDir, name), "utf8");
    } catch {
      return undefined; // absent, a folder, or unreadable: then git's answer counts
    }
  }

  #readPacked(): ReadonlyMap<string, string> {
    const refs = new Map<string, string>();
    for (const line of (this.#read("packed-refs") ?? "").split("\n")) {
      const space = line.indexOf(" ");
      if (space > 0 && commitPattern.test(line.slice(0, space))) refs.set(line.slice(space + 1), line.slice(0, space));
    }
    return refs;
  }
}

const isPlain = (ref: string): boolean =>
  ref.startsWith("refs/") && !ref.includes("..") && !ref.includes("\0") && !ref.includes("//");
