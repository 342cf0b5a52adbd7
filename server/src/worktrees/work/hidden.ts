import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { readlink } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { isAbsent } from "../../errno.ts";
import { quotePath } from "../../git/index.ts";
import type { IndexEntry } from "../../git/index.ts";
import type { Findings } from "./findings.ts";
import type { Tree } from "./place.ts";
import { onTree } from "./tree-status.ts";
import type { Asked, Config } from "./tree-status.ts";

/**
 * Files that git was told not to look at (assume-unchanged, skip-worktree) and that differ from what it has. One that is
 * absent is no difference where a sparse checkout left it out.
 */
export const tellHidden = async (
  asked: Asked,
  tree: Tree,
  guards: Config,
  entries: readonly IndexEntry[],
  known: ReadonlySet<string>,
  findings: Findings,
): Promise<void> => {
  const root = Buffer.from(`${tree.path}/`);
  const absent = absentFolders(root);
  const files: IndexEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    if (index % 500 === 499) await breathe();
    const name = entry.path.toString();
    if (known.has(name)) continue; // told by the status: git looks at sparse files that are there after all
    const found = absent(entry.path) ? null : facts(Buffer.concat([root, entry.path]));
    if (found === null) {
      if (!entry.skipped) findings.add("changed", name);
      continue;
    }
    const type = found.isSymbolicLink() ? 0o120000 : found.isFile() ? 0o100000 : 0;
    const executable = type === 0o100000 && (found.mode & 0o100) !== 0;
    const sameMode = process.platform === "win32" || executable === ((entry.mode & 0o100) !== 0);
    if (type !== (entry.mode & 0o170000) || (type === 0o100000 && !sameMode)) findings.add("changed", name);
    else if (type === 0o100000) files.push(entry);
    else if ((await linkId(Buffer.concat([root, entry.path]), entry.oid.length)) !== entry.oid)
      findings.add("changed", name);
  }
  if (files.length === 0) return;
  // In git's own way, with line ends and git-lfs as they are set up.
  const { stdout } = await asked.git.run(tree.path, [...onTree(tree), "hash-object", "--stdin-paths"], {
    access: "read",
    signal: asked.signal,
    config: guards,
    input: files.map((entry) => `${quotePath(entry.path)}\n`).join(""),
  });
  const oids = stdout.split("\n");
  for (const [index, entry] of files.entries()) {
    if (oids[index] !== entry.oid) findings.add("changed", entry.path.toString());
  }
};

const facts = (path: Buffer) => {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
};

/** Whether a folder above an entry is missing, each asked once: a sparse checkout leaves out whole trees. */
const absentFolders = (root: Buffer): ((path: Buffer) => boolean) => {
  const known = new Map<string, boolean>();
  const isMissing = (path: Buffer): boolean => {
    const slash = path.lastIndexOf(0x2f, path.length - 2);
    if (slash <= 0) return false;
    const folder = path.subarray(0, slash);
    const key = folder.toString("latin1");
    const answer = known.get(key) ?? (isMissing(folder) || facts(Buffer.concat([root, folder])) === null);
    known.set(key, answer);
    return answer;
  };
  return isMissing;
};

const linkId = async (path: Buffer, oidLength: number): Promise<string> => {
  const target = await readlink(path, { encoding: "buffer" });
  return createHash(oidLength === 40 ? "sha1" : "sha256")
    .update(`blob ${target.length}\0`)
    .update(target)
    .digest("hex");
};
