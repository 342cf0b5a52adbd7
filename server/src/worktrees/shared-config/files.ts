import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errno.ts";
import { mayExist } from "../../process/may-exist.ts";

/** lstat, null where there is nothing. */
export function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

let counter = 0;
/** A name no other process and no other call uses. */
export function uniqueName(): string {
  counter += 1;
  return `${process.pid}-${Date.now().toString(36)}-${counter}`;
}

/** Writes a whole file or nothing: who reads it meanwhile sees the old bytes or the new ones. The draft is in `drafts`. */
export function writeWhole(path: string, bytes: string | Uint8Array, mode: number, drafts: string): void {
  mkdirSync(drafts, { recursive: true });
  let draft = join(drafts, `${uniqueName()}.draft`);
  try {
    writeFileSync(draft, bytes, { mode, flag: "wx" });
    // The umask may have taken bits away.
    if (mode !== 0o600) chmodSync(draft, mode);
    try {
      renameSync(draft, path);
    } catch (error) {
      if (codeOf(error) !== "EXDEV") throw error;
      rmSync(draft, { force: true });
      draft = `${path}.${uniqueName()}.draft`;
      writeFileSync(draft, bytes, { mode, flag: "wx" });
      renameSync(draft, path);
    }
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Whether the process that made a name with `uniqueName` may still be using it. */
export function maybeInUse(name: string): boolean {
  const pid = Number.parseInt(name, 10);
  if (!Number.isInteger(pid) || pid <= 0) return true;
  return mayExist(pid);
}

/** Whether both are regular files with the same bytes. */
export function sameBytes(one: string, other: string): boolean {
  const first = openSync(one, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const second = openSync(other, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const sizes = [fstatSync(first), fstatSync(second)];
      if (!sizes.every((stats) => stats.isFile()) || sizes[0]?.size !== sizes[1]?.size) return false;
      const chunks = [Buffer.alloc(65_536), Buffer.alloc(65_536)] as const;
      for (;;) {
        const read = readSync(first, chunks[0], 0, chunks[0].length, null);
        let matched = 0;
        while (matched < read) {
          const more = readSync(second, chunks[1], matched, read - matched, null);
          if (more === 0) return false;
          matched += more;
        }
        if (read === 0) return readSync(second, chunks[1], 0, 1, null) === 0;
        if (chunks[0].compare(chunks[1], 0, read, 0, read) !== 0) return false;
      }
    } finally {
      closeSync(second);
    }
  } finally {
    closeSync(first);
  }
}

/** SHA-256. Only copies need it, and loading node:crypto takes as long as linking a worktree. */
export function hashOf(file: string): string {
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
