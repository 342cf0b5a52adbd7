import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quotedPath } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import type { PrivateDir } from "./private-dir.ts";
import type { Source } from "./source.ts";

/** Something that becomes a blob: a file of the working tree, or bytes that are at hand. */
export type Content = Source | Buffer;

export interface Leaf {
  readonly path: Bytes;
  /** A blob of this import, or an object that is there. */
  readonly of: Content | { readonly mode: string; readonly oid: string };
}

export interface CommitPlan {
  readonly name: string;
  readonly message: string;
  /** Commits, or the names of plans before this one. The tree starts as the first one's. */
  readonly parents: readonly string[];
  /** Tree to start from instead. */
  readonly tree?: string | null;
  readonly deleted?: readonly Bytes[];
  readonly leaves?: readonly Leaf[];
}

export interface Imported {
  readonly commits: ReadonlyMap<string, string>;
  /** Every object named here: the commits, and all blobs. Trees are found through the commits. */
  readonly written: ReadonlySet<string>;
}

const identity = "iMi <imi@localhost>";
const batchBytes = 256 * 1024;

/**
 * Writes blobs, trees and commits in one process and one pack, whatever the names are and however many or large the
 * files. The commits' identity and time are fixed, so that the same state gives the same commit. No ref is made.
 */
export const importCommits = async (
  dir: PrivateDir,
  plans: readonly CommitPlan[],
  options: { readonly at: Date; readonly fileModes: boolean },
): Promise<Imported> => {
  const marks = new Map<Content | string, number>();
  const marksFile = join(dir.path, "marks");
  await dir.git(["fast-import", "--quiet", "--done", "--depth=0", "--date-format=raw", `--export-marks=${marksFile}`], {
    // Names that differ in case alone are two files in a tree, whatever the file system thinks.
    config: [["core.ignoreCase", "false"]],
    input: batched(instructions(plans, marks, options)),
  });
  const oids = new Map<number, string>();
  for (const line of readFileSync(marksFile, "latin1").split("\n")) {
    const [, mark, oid] = /^:(\d+) ([0-9a-f]+)$/.exec(line) ?? [];
    if (mark !== undefined && oid !== undefined) oids.set(Number(mark), oid);
  }
  const commits = new Map<string, string>();
  for (const { name } of plans) {
    const oid = oids.get(marks.get(name) ?? 0);
    if (oid !== undefined) commits.set(name, oid);
  }
  return { commits, written: new Set(oids.values()) };
};

function* instructions(
  plans: readonly CommitPlan[],
  marks: Map<Content | string, number>,
  { at, fileModes }: { readonly at: Date; readonly fileModes: boolean },
): Generator<string | Buffer> {
  for (const { leaves = [] } of plans) {
    for (const { of } of leaves) {
      if (!isBlob(of) || marks.has(of)) continue;
      marks.set(of, marks.size + 1);
      if (Buffer.isBuffer(of)) {
        yield `blob\nmark :${marks.size}\ndata ${of.length}\n`;
        yield of;
        yield "\n";
        continue;
      }
      let begun = false;
      for (const piece of of.read(fileModes)) {
        begun = true;
        yield typeof piece === "number" ? `blob\nmark :${marks.size}\ndata ${piece}\n` : piece;
      }
      if (begun) yield "\n";
    }
  }
  const seconds = Math.floor(at.getTime() / 1000);
  for (const { name, message, parents, tree, deleted = [], leaves = [] } of plans) {
    const text = Buffer.from(message);
    const references = parents.map((parent) => (marks.has(parent) ? `:${marks.get(parent)}` : parent));
    marks.set(name, marks.size + 1);
    yield `commit refs/imi/${marks.size}\nmark :${marks.size}\ncommitter ${identity} ${seconds} +0000\ndata ${text.length}\n`;
    yield text;
    yield "\n";
    for (const [place, reference] of references.entries()) yield `${place === 0 ? "from" : "merge"} ${reference}\n`;
    if (tree !== undefined && tree !== null) yield `M 040000 ${tree} ""\n`;
    // Deletions first: a file may have become a folder, and a folder a file.
    for (const path of deleted) yield `D ${quotedPath(path)}\n`;
    for (const { path, of } of leaves) {
      if (!isBlob(of)) yield `M ${of.mode} ${of.oid} ${quotedPath(path)}\n`;
      else if (Buffer.isBuffer(of)) yield `M 100644 :${marks.get(of)} ${quotedPath(path)}\n`;
      else if (of.special) yield `D ${quotedPath(path)}\n`;
      else yield `M ${of.mode ?? "100644"} :${marks.get(of)} ${quotedPath(path)}\n`;
    }
    yield "\n";
  }
  yield "done\n";
}

const isBlob = (of: Leaf["of"]): of is Content => Buffer.isBuffer(of) || !("oid" in of);

/** Few large writes instead of many small ones. */
async function* batched(pieces: Iterable<string | Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    const buffer = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
    waiting.push(buffer);
    bytes += buffer.length;
    if (bytes < batchBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  yield Buffer.concat(waiting);
}
