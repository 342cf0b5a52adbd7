import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../errno.ts";
import type { Git } from "./git.ts";
import { objectFormatIn } from "./records.ts";

/** An entry of git's index that a status does not tell everything about. */
export interface IndexEntry {
  /** Relative to the working tree, as bytes: a name need not be UTF-8. */
  readonly path: Buffer;
  readonly mode: number;
  readonly oid: string;
  /** `git update-index --assume-unchanged`. */
  readonly assumed: boolean;
  /** `--skip-worktree`, as a sparse checkout sets it. */
  readonly skipped: boolean;
}

export interface IndexFacts {
  readonly state: "sound" | "absent" | "damaged";
  /** Entries whose files a status does not look at. */
  readonly hidden: readonly IndexEntry[];
  /** Entries that are commits of other repositories. */
  readonly gitlinks: readonly IndexEntry[];
}

const nothing = { hidden: [], gitlinks: [] };
const gitlink = 0o160000;
const sparseFolder = 0o040000;

/**
 * What a status leaves out, read from the index itself: git does not verify its checksum, half believes one that was
 * cut off, and never looks at files it was told to leave alone. 20 000 entries take 5 ms and no process.
 */
export const readIndex = async (
  git: Git,
  gitDir: string,
  commonDir: string,
  signal?: AbortSignal,
): Promise<IndexFacts> => {
  const [bytes, config] = await Promise.all([
    readFile(join(gitDir, "index")).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }),
    readFile(join(commonDir, "config"), "utf8").catch(() => ""),
  ]);
  if (bytes === null) return { state: "absent", ...nothing };
  const hash = objectFormatIn(config);
  if (!isSound(bytes, hash)) return { state: "damaged", ...nothing };
  const parsed = parse(bytes, hash === "sha1" ? 20 : 32);
  if (parsed === "damaged") return { state: "damaged", ...nothing };
  if (!("shared" in parsed)) return { state: "sound", ...parsed };
  const shared = await readFile(join(gitDir, `sharedindex.${parsed.shared}`)).catch(() => Buffer.alloc(0));
  if (!isSound(shared, hash)) return { state: "damaged", ...nothing };
  const { stdout } = await git.run(gitDir, [`--git-dir=${gitDir}`, `--work-tree=${gitDir}`, "ls-files", "-v", "-s"], {
    access: "read",
    signal,
    config: [["core.quotePath", "true"]],
  });
  return { state: "sound", ...parseListed(stdout) };
};

/** Larger ones are not read for their folders: that would hold up everybody else, in bytes. */
const foldersAtMost = 8 * 1024 * 1024;

/**
 * The folders in which, at any depth, git tracks something; relative to the working tree. Null where the index does not say
 * it plainly: it is damaged, split or sparse, very large, or has submodules in it.
 */
export const trackedFolders = async (gitDir: string, commonDir: string): Promise<ReadonlySet<string> | null> => {
  const [bytes, config] = await Promise.all([
    readFile(join(gitDir, "index")).catch(() => Buffer.alloc(0)),
    readFile(join(commonDir, "config"), "utf8").catch(() => ""),
  ]);
  if (bytes.length < 64 || bytes.length > foldersAtMost || bytes.toString("latin1", 0, 4) !== "DIRC") return null;
  const folders = new Set<string>();
  let plain = true;
  let last: Buffer = Buffer.alloc(0);
  const visit: Visit = (source, from, to, { mode }) => {
    plain &&= mode !== gitlink && mode !== sparseFolder;
    const slash = source.lastIndexOf(0x2f, to - 1);
    if (slash < from || (last.length === slash - from && last.compare(source, from, slash) === 0)) return;
    last = source.subarray(from, slash);
    for (let folder = last.toString("utf8"); folder !== "" && !folders.has(folder);) {
      folders.add(folder);
      folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")));
    }
  };
  const rest = eachEntry(bytes, objectFormatIn(config) === "sha1" ? 20 : 32, visit);
  return rest !== null && rest.shared === null && plain ? folders : null;
};

/** The last bytes are the hash of all before them, or zeros (`index.skipHash`). */
const isSound = (bytes: Buffer, hash: "sha1" | "sha256"): boolean => {
  const length = hash === "sha1" ? 20 : 32;
  if (bytes.length < 12 + length || bytes.toString("latin1", 0, 4) !== "DIRC") return false;
  const trailer = bytes.subarray(-length);
  if (trailer.every((byte) => byte === 0)) return true;
  // Loading it takes 5 ms of every call of the command line, and few read an index.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash(hash).update(bytes.subarray(0, -length)).digest().equals(trailer);
};

type Entries = Pick<IndexFacts, "hidden" | "gitlinks">;

/** gitformat-index(5), versions 2 to 4. `shared`: most entries are in another file, `sharedindex.<id>`. */
const parse = (bytes: Buffer, hashLength: number): Entries | { readonly shared: string } | "damaged" => {
  const hidden: IndexEntry[] = [];
  const gitlinks: IndexEntry[] = [];
  const rest = eachEntry(bytes, hashLength, (source, from, to, { start, mode, flags, extended }) => {
    const assumed = (flags & 0x8000) !== 0;
    const skipped = (extended & 0x4000) !== 0;
    if (!assumed && !skipped && mode !== gitlink) return;
    const oid = bytes.toString("hex", start + 40, start + 40 + hashLength);
    const entry = { path: source.subarray(from, to), mode, oid, assumed, skipped };
    if (mode === gitlink) gitlinks.push(entry);
    else hidden.push(entry);
  });
  if (rest === null) return "damaged";
  return rest.shared === null ? { hidden, gitlinks } : { shared: rest.shared };
};

/** Its path is in `source` from `from` to `to`: copying every path of a large index would cost more than all the rest. */
type Visit = (
  source: Buffer,
  from: number,
  to: number,
  entry: { readonly start: number; readonly mode: number; readonly flags: number; readonly extended: number },
) => void;

/** Goes over the entries of an index, in their order. Null: it is damaged. */
const eachEntry = (bytes: Buffer, hashLength: number, visit: Visit): { readonly shared: string | null } | null => {
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return null;
  const end = bytes.length - hashLength;
  let before: Buffer = Buffer.alloc(0);
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const start = at;
    at += 40 + hashLength;
    if (at + 2 > end) return null;
    const flags = bytes.readUInt16BE(at);
    const extended = (flags & 0x4000) === 0 ? 0 : bytes.readUInt16BE(at + 2);
    at += (flags & 0x4000) === 0 ? 2 : 4;
    let kept = 0;
    if (version === 4) {
      const strip = readOffset(bytes, at);
      at = strip.next;
      kept = before.length - strip.value;
      if (kept < 0) return null;
    }
    const nul = bytes.indexOf(0, at);
    if (nul === -1 || nul >= end) return null;
    const entry = { start, mode: bytes.readUInt32BE(start + 24), flags, extended };
    if (version === 4) {
      before = Buffer.concat([before.subarray(0, kept), bytes.subarray(at, nul)]);
      visit(before, 0, before.length, entry);
    } else visit(bytes, at, nul, entry);
    at = version === 4 ? nul + 1 : start + Math.ceil((nul + 1 - start) / 8) * 8;
  }
  while (at + 8 <= end) {
    if (bytes.toString("latin1", at, at + 4) === "link")
      return { shared: bytes.toString("hex", at + 8, at + 8 + hashLength) };
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return at === end ? { shared: null } : null;
};

/** The number format of version 4: seven bits a byte, each continuation adding one. */
const readOffset = (bytes: Buffer, from: number): { readonly value: number; readonly next: number } => {
  let next = from;
  let byte = bytes[next++] ?? 0;
  let value = byte & 127;
  while ((byte & 128) !== 0) {
    byte = bytes[next++] ?? 0;
    value = (value + 1) * 128 + (byte & 127);
  }
  return { value, next };
};

/** `git ls-files -v -s` without -z: names in git's quotes, so that every byte of theirs arrives. */
const parseListed = (output: string): Entries => {
  const entries = output.split("\n").flatMap((line) => {
    const [, tag, mode, oid, path] = /^(\S) (\d+) ([0-9a-f]+) \d\t(.*)$/.exec(line) ?? [];
    if (tag === undefined || mode === undefined || oid === undefined || path === undefined) return [];
    return [
      {
        ...{ path: unquotePath(path), mode: Number.parseInt(mode, 8), oid },
        ...{ assumed: tag !== tag.toUpperCase(), skipped: tag.toUpperCase() === "S" },
      },
    ];
  });
  return {
    hidden: entries.filter((entry) => (entry.assumed || entry.skipped) && entry.mode !== gitlink),
    gitlinks: entries.filter((entry) => entry.mode === gitlink),
  };
};

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** A path as git prints it with core.quotePath, in bytes. */
const unquotePath = (printed: string): Buffer => {
  if (!printed.startsWith('"')) return Buffer.from(printed);
  const bytes = printed
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, escape: string) =>
      String.fromCharCode(escape.length === 3 ? Number.parseInt(escape, 8) : (escapes[escape] ?? escape.charCodeAt(0))),
    );
  return Buffer.from(bytes, "latin1");
};

/** A path for `--stdin-paths`: in git's quotes, so that it may hold line ends and bytes that are no UTF-8. */
export const quotePath = (path: Buffer): string =>
  `"${[...path].map((byte) => (byte > 31 && byte < 127 && byte !== 34 && byte !== 92 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`)).join("")}"`;
