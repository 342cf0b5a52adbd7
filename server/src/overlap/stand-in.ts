import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Apart, Place } from "./apart.ts";
import { onDisk, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";

let made = 0;

/**
 * A folder that git takes for the working tree a merge is made in: it holds what a merge reads there, `.gitattributes` and
 * the places of submodules, and takes the temporary files that merge drivers get, which git puts into the working tree.
 */
export const standIn = async (apart: Apart, { gitDir, workTree }: Place, commit: string): Promise<Place> => {
  made += 1;
  const folder = join(apart.path, `stand-in-${made}`);
  await mkdir(folder);
  const { attributes, submodules } = await entriesIn(apart, commit);
  for (const { oid, path } of attributes) {
    const { stdout } = await apart.ask(["cat-file", "blob", oid]);
    const file = onDisk(folder, path);
    await mkdir(parent(file), { recursive: true });
    await writeFile(file, stdout);
  }
  for (const path of submodules) {
    const repository = await repositoryAt(join(workTree, shown(path)));
    if (repository === null) continue;
    await mkdir(join(folder, shown(path)), { recursive: true });
    await writeFile(join(folder, shown(path), ".git"), `gitdir: ${repository}\n`);
  }
  return { gitDir, workTree: folder };
};

const parent = (path: Buffer): Buffer => path.subarray(0, path.lastIndexOf("/"));

interface Entries {
  readonly attributes: readonly { readonly oid: string; readonly path: Bytes }[];
  readonly submodules: readonly Bytes[];
}

const entriesIn = async (apart: Apart, commit: string): Promise<Entries> => {
  const attributes: { oid: string; path: Bytes }[] = [];
  const submodules: Bytes[] = [];
  const { stdout } = await apart.ask(["ls-tree", "-r", "-z", commit]);
  const wanted = /(?:^|\0)(1\d{5}) (?:blob|commit) ([0-9a-f]+)\t([^\0]*)/g;
  for (const [, mode, oid = "", path = ""] of stdout.toString("latin1").matchAll(wanted)) {
    if (!isPlain(path)) continue;
    if (mode === "160000") submodules.push(path);
    // A link is not followed by git either.
    else if (mode !== "120000" && /(?:^|\/)\.gitattributes$/.test(path)) attributes.push({ oid, path });
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
