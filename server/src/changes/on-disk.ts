import { lstat, open, readlink } from "node:fs/promises";
import type { FileVersion } from "../../../protocol/changes.ts";
import { onDisk } from "../git/index.ts";
import type { Bytes } from "../git/index.ts";
import type { Difference } from "./differences.ts";

export interface Listed extends Difference {
  readonly untracked: boolean;
}

/** A file that git was told to forget and that still lies there is neither gone nor new. */
export const withUntracked = (tracked: readonly Difference[], untracked: readonly Bytes[]): Listed[] => {
  const byPath = new Map<Bytes, Listed>(tracked.map((each) => [each.path, { ...each, untracked: false }]));
  for (const path of untracked) {
    const before = byPath.get(path)?.before ?? null;
    const change = before === null ? "added" : "changed";
    byPath.set(path, { path, from: null, change, before, after: { kind: "file", id: null }, untracked: true });
  }
  return [...byPath.values()];
};

/** What lies there now; what git said of it where it went meanwhile. */
export const versionOnDisk = async (
  folder: string,
  path: Bytes,
  said: Pick<FileVersion, "kind" | "id">,
): Promise<FileVersion> => {
  if (said.kind === "submodule") return { ...said, bytes: null };
  const where = onDisk(folder, path);
  try {
    const facts = await lstat(where);
    if (!facts.isSymbolicLink()) return { ...said, kind: "file", bytes: facts.size };
    const target = (await readlink(where, { encoding: "buffer" })).toString("utf8");
    return { ...said, kind: "link", bytes: facts.size, target };
  } catch {
    return { ...said, bytes: null };
  }
};

/** As git decides it: a NUL among the first bytes. */
export const looksBinary = async (folder: string, path: Bytes): Promise<boolean> => {
  const where = onDisk(folder, path);
  try {
    if (!(await lstat(where)).isFile()) return false;
    await using file = await open(where);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(firstBytes), 0, firstBytes, 0);
    return buffer.subarray(0, bytesRead).includes(0);
  } catch {
    return false;
  }
};

const firstBytes = 8000;
