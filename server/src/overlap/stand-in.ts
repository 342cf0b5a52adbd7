import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { onDisk, shown } from "../git/index.ts";
import type { Bytes } from "../git/index.ts";
import type { Apart, Place } from "./apart.ts";

/** What of a commit a merge reads in the working tree. */
interface Entries {
  readonly attributes: readonly { readonly oid: string; readonly path: Bytes }[];
  readonly submodules: readonly Bytes[];
}

/**
 * Folders that git takes for the working tree a merge is made in: each holds what a merge reads there, `.gitattributes` and
 * the places of submodules, and takes the temporary files that merge drivers get, which git puts into the working tree.
 */
export class StandIns {
  readonly #apart: Apart;
  readonly #entries = new Map<string, Promise<Entries>>();
  readonly #contents = new Map<string, Promise<Buffer>>();
  #made = 0;

  constructor(apart: Apart) {
    this.#apart = apart;
  }

  /** One for a worktree as it is in a commit, or in another that has the same in `isReadByMerges`. */
  async of({ gitDir, workTree }: Place, commit: string): Promise<Place> {
    this.#made += 1;
    const folder = join(this.#apart.path, `stand-in-${this.#made}`);
    await mkdir(folder);
    const { attributes, submodules } = await once(this.#entries, commit, () => entriesIn(this.#apart, commit));
    for (const { oid, path } of attributes) {
      const file = onDisk(folder, path);
      await mkdir(parent(file), { recursive: true });
      await writeFile(file, await once(this.#contents, oid, () => this.#contentOf(oid)));
    }
    for (const path of submodules) {
      const repository = await repositoryAt(join(workTree, shown(path)));
      if (repository === null) continue;
      await mkdir(join(folder, shown(path)), { recursive: true });
      await writeFile(join(folder, shown(path), ".git"), `gitdir: ${repository}\n`);
    }
    return { gitDir, workTree: folder };
  }

  async #contentOf(oid: string): Promise<Buffer> {
    return (await this.#apart.ask(["cat-file", "blob", oid])).stdout;
  }
}

const once = <T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> => {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
};

const submodule = "160000";

/** Whether an entry of a tree is one that merges look for in the working tree. */
export const isReadByMerges = (path: Bytes, mode: string): boolean =>
  // A link is not followed by git either.
  mode === submodule || (mode !== "120000" && /(?:^|\/)\.gitattributes$/.test(path));

const parent = (path: Buffer): Buffer => path.subarray(0, path.lastIndexOf("/"));

const entriesIn = async (apart: Apart, commit: string): Promise<Entries> => {
  const attributes: { oid: string; path: Bytes }[] = [];
  const submodules: Bytes[] = [];
  const { stdout } = await apart.ask(["ls-tree", "-r", "-z", commit]);
  const wanted = /(?:^|\0)(1\d{5}) (?:blob|commit) ([0-9a-f]+)\t([^\0]*)/g;
  for (const [, mode = "", oid = "", path = ""] of stdout.toString("latin1").matchAll(wanted)) {
    if (!isReadByMerges(path, mode) || !isPlain(path)) continue;
    if (mode === submodule) submodules.push(path);
    else attributes.push({ oid, path });
  }
  return { attributes, submodules };
};

/** A tree that git would refuse to check out must not lead out of the folder. */
const isPlain = (path: Bytes): boolean => path.split("/").every((part) => !["", ".", "..", ".git"].includes(part));

/** The git directory of what is checked out there, absolute; null where nothing is. */
const repositoryAt = async (path: string): Promise<string | null> => {
  const dotGit = join(path, ".git");
  const facts = await stat(dotGit).catch(() => null);
  if (facts === null) return null;
  if (facts.isDirectory()) return dotGit;
  const text = await readFile(dotGit, "utf8").catch(() => "");
  const target = /^gitdir: (.*?)\r?\n?$/s.exec(text)?.[1];
  return target === undefined ? null : resolve(dirname(dotGit), target);
};
