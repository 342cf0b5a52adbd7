import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, isAbsent } from "../errno.ts";
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
  #packedStamp = "";

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

  /**
   * The same where it matters that there is none: null only when the ref certainly does not exist, undefined when git
   * has to be asked. A repository that is not plainly ours is git's to open or refuse (safe.directory).
   */
  look(ref: string): string | null | undefined {
    if (!this.#inFiles || !isPlain(ref) || !this.#isOurs()) return undefined;
    return this.#look(ref);
  }

  /** First names below refs/remotes/ under which there is or was a ref; undefined as above. */
  remotes(): string[] | undefined {
    if (!this.#inFiles || !this.#isOurs()) return undefined;
    try {
      // git packs a ref by writing it into packed-refs and only then deleting its file: in this order none is missed.
      const loose = orNone(() => readdirSync(join(this.#commonDir, "refs", "remotes"))) ?? [];
      const packed = [...this.#packedNow().keys()].flatMap((ref) => /^refs\/remotes\/([^/]+)\//.exec(ref)?.[1] ?? []);
      return [...new Set([...loose, ...packed])].toSorted();
    } catch {
      return undefined;
    }
  }

  #look(ref: string): string | null | undefined {
    try {
      const loose = orNone(() => readFileSync(join(this.#commonDir, ref), "utf8").trim());
      if (loose === null) return this.#packedNow().get(ref) ?? null;
      // What stands for another ref is left to git; a branch hardly ever does.
      return commitPattern.test(loose) ? loose : undefined;
    } catch {
      return undefined;
    }
  }

  /** False on Windows, where files have no such owner. */
  #isOurs(): boolean {
    return statSync(this.#commonDir, { throwIfNoEntry: false })?.uid === process.geteuid?.();
  }

  /** Read again when it has changed; throws when it cannot be read. */
  #packedNow(): ReadonlyMap<string, string> {
    const file = join(this.#commonDir, "packed-refs");
    const facts = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (facts === undefined) return new Map();
    const stamp = `${facts.ino} ${facts.size} ${facts.mtimeNs}`;
    if (this.#packedStamp !== stamp) this.#packed = parsePacked(readFileSync(file, "utf8"));
    this.#packedStamp = stamp;
    return this.#packed ?? new Map();
  }

  /** The commit `git rev-parse` finds for a branch's short name (main, origin/main), where nothing goes before it. */
  commitOfShort(name: string): string | null {
    const before = [name, `refs/${name}`, `refs/tags/${name}`];
    if (before.some((ref) => this.#exists(ref))) return null;
    return this.commitOf(`refs/heads/${name}`) ?? this.commitOf(`refs/remotes/${name}`);
  }

  /**
   * Whether a name as people write it certainly stands for nothing: no ref by any of git's rules, and nothing that could be
   * an object's id, an expression, or what `git describe` says.
   */
  isNothing(name: string): boolean {
    if (!/^[a-z][\w./-]*$/i.test(name) || /(?:^|-g)[0-9a-f]{4,}$/i.test(name) || /\.\.|\/\/|\.lock$/.test(name))
      return false;
    const rules = [`refs/${name}`, ...["tags", "heads", "remotes"].map((kind) => `refs/${kind}/${name}`)];
    try {
      if (statSync(join(this.#commonDir, name), { throwIfNoEntry: false }) !== undefined) return false;
    } catch (error) {
      if (!isAbsent(error)) return false;
    }
    return [...rules, `refs/remotes/${name}/HEAD`].every((ref) => this.look(ref) === null);
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
    return parsePacked(this.#read("packed-refs") ?? "");
  }
}

const parsePacked = (text: string): ReadonlyMap<string, string> => {
  const refs = new Map<string, string>();
  for (const line of text.split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0 && commitPattern.test(line.slice(0, space))) refs.set(line.slice(space + 1), line.slice(0, space));
  }
  return refs;
};

/** null where nothing is there by that name. */
const orNone = <Read>(read: () => Read): Read | null => {
  try {
    return read();
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "EISDIR") return null;
    throw error;
  }
};

const isPlain = (ref: string): boolean =>
  ref.startsWith("refs/") && !ref.includes("..") && !ref.includes("\0") && !ref.includes("//");
