import {
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import type { SyncAction } from "../../../../protocol/worktrees.ts";
import { codeOf } from "../../errno.ts";
import { lookAt, maybeInUse, sameBytes, uniqueName } from "./files.ts";
import { asideFolder } from "./record.ts";
import type { Source } from "./sources.ts";

/**
 * Takes what is at `path` away, so that the name is free. What `worthless` does not vouch for is kept beside it as
 * `<path>.backup` (`.backup.1`, …; never over anything), whose path is returned. At no instant are bytes only in a place
 * where the user would not find them: the backup is made first, and what was moved is judged again before it goes,
 * because an editor may have put another file there meanwhile. Killed between, the next run finds the same inode under
 * both names and makes no second backup.
 */
export function setAside(path: string, commonDir: string, worthless: (file: string) => boolean): string | null {
  let backup = worthless(path) ? null : keep(path, path);
  const aside = moveAway(path, commonDir);
  if (aside === null) return backup;
  const vouched = backup === null ? worthless(aside) : sameFile(aside, backup) || sameBytes(aside, backup);
  if (!vouched) {
    if (lstatSync(aside).isFile()) backup = keep(aside, path);
    else {
      // A folder or somebody's symbolic link came there since it was looked at.
      renameSync(aside, path);
      throw new ImiError("path/taken", `${path} was replaced while it was being linked.`);
    }
  }
  rmSync(aside, { force: true });
  return backup;
}

/** Makes the bytes of `file` stay as a backup of `path`. */
function keep(file: string, path: string): string {
  for (let count = 0; ; count += 1) {
    const name = count === 0 ? `${path}.backup` : `${path}.backup.${count}`;
    try {
      linkSync(file, name);
      return name;
    } catch (error) {
      const code = codeOf(error);
      if (code === "EEXIST") {
        if (sameFile(file, name)) return name;
        continue;
      }
      if (code === "ENOENT" || code === "EROFS" || code === "ENOSPC") throw error;
    }
    // No hard links here (FAT, some network folders, protected_hardlinks).
    try {
      copyFileSync(file, name, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      const { atimeMs, mtimeMs } = statSync(file);
      utimesSync(name, atimeMs / 1000, mtimeMs / 1000);
      return name;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
}

function sameFile(one: string, other: string): boolean {
  const first = lookAt(one);
  const second = lookAt(other);
  return first !== null && second !== null && first.ino === second.ino && first.dev === second.dev;
}

function moveAway(path: string, commonDir: string): string | null {
  const folder = asideFolder(commonDir);
  const aside = join(folder, uniqueName());
  for (const to of [aside, aside, `${path}.imi-${uniqueName()}`]) {
    try {
      renameSync(path, to);
      return to;
    } catch (error) {
      const code = codeOf(error);
      if (code === "EXDEV") continue;
      if (code !== "ENOENT") throw error;
      if (lookAt(path) === null) return null;
      mkdirSync(folder, { recursive: true });
    }
  }
  return null;
}

/** Settles what a killed process left in the folder; what cannot be shown to exist elsewhere stays and is told. */
export function clearAside(commonDir: string, sources: readonly Source[], actions: SyncAction[]): void {
  const folder = asideFolder(commonDir);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    if (maybeInUse(name)) continue;
    const file = join(folder, name);
    try {
      if (name.endsWith(".draft") || existsElsewhere(file, sources)) rmSync(file, { force: true });
      else {
        const detail = `an interrupted sync left these bytes: ${file}`;
        actions.push({ worktree: "sync", path: name, action: "skipped", detail });
      }
    } catch {
      // Another process was faster.
    }
  }
  try {
    rmdirSync(folder);
  } catch {
    // Not empty: in use, or told above.
  }
}

function existsElsewhere(file: string, sources: readonly Source[]): boolean {
  const found = lookAt(file);
  if (found === null || found.isSymbolicLink() || found.nlink > 1) return true;
  return found.isFile() && sources.some((source) => sameBytes(file, source.file));
}
