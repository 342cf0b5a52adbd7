import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import type { SyncAction } from "../../../../protocol/worktrees.ts";
import { codeOf, codeOrMessage } from "../../errno.ts";
import { hashOf, lookAt, sameBytes, uniqueName } from "./files.ts";
import { asideFolder, writeRecord } from "./record.ts";
import type { PlacedRecord } from "./record.ts";
import { setAside } from "./set-aside.ts";
import { isInside, parentsOf } from "./sources.ts";
import type { Source } from "./sources.ts";

/** One worktree while it is being settled. */
export interface Site {
  /** Real path of the worktree. */
  readonly root: string;
  readonly commonDir: string;
  readonly boundary: readonly string[];
  readonly mode: "auto" | "link" | "copy";
  readonly record: PlacedRecord;
  /** Folders already looked at. */
  readonly folders: Map<string, "folder" | "missing" | "link" | "file">;
  readonly say: (path: string, action: SyncAction["action"], detail: string | null) => void;
}

/** What stands where a link belongs; `missing` are the folders that are to be made for it. */
export type Found =
  | { readonly is: "right" | "absent" | "ours" | "same" | "theirs"; readonly missing: readonly string[] }
  | { readonly is: "blocked"; readonly reason: string; readonly missing: readonly string[] };

const none: readonly string[] = [];
const right: Found = { is: "right", missing: none };
const blocked = (reason: string): Found => ({ is: "blocked", reason, missing: none });

/** One readlink where the link is right. */
export function inspect(site: Site, source: Source): Found {
  const missing: string[] = [];
  for (const folder of parentsOf(source.path)) {
    const kind = folderKind(site, folder);
    if (kind === "link") return blocked(`${folder} is a symbolic link, which is not followed`);
    if (kind === "file") return blocked(`${folder} is a file, not a folder`);
    if (kind === "missing") missing.push(folder);
  }
  if (missing.length > 0) return { is: "absent", missing };

  const at = site.root + sep + source.path;
  try {
    const target = readlinkSync(at);
    if (resolve(dirname(at), target) === source.file && site.mode !== "copy") return right;
    if (isOurs(site, at, target)) return { is: "ours", missing: none };
    return blocked(`a symbolic link to ${target} is there, which iMi did not make`);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { is: "absent", missing: none };
    if (codeOf(error) !== "EINVAL" && codeOf(error) !== "UNKNOWN")
      return blocked(`it cannot be read (${codeOrMessage(error)})`);
  }
  try {
    return inspectFile(site, source, at);
  } catch (error) {
    return blocked(`it cannot be read (${codeOrMessage(error)})`);
  }
}

function inspectFile(site: Site, source: Source, at: string): Found {
  const found = lookAt(at);
  if (found === null) return { is: "absent", missing: none };
  if (found.isDirectory()) return blocked("a folder is there");
  if (!found.isFile()) return blocked("something that is not a file is there");
  if (isCopy(site, source.path)) {
    const original = statSync(source.file);
    if (original.size === found.size && Math.abs(original.mtimeMs - found.mtimeMs) < 1) return right;
    if (sameBytes(at, source.file)) return right;
    if (site.record.copies.get(source.path)?.includes(hashOf(at)) === true) return { is: "ours", missing: none };
  }
  return { is: sameBytes(at, source.file) ? "same" : "theirs", missing: none };
}

/** Where a copy was put because links are not permitted, it stays a copy: trying a link each time would replace it each time. */
function isCopy(site: Site, path: string): boolean {
  return site.mode !== "link" && site.record.copies.has(path);
}

function folderKind(site: Site, folder: string): "folder" | "missing" | "link" | "file" {
  const known = site.folders.get(folder);
  if (known !== undefined) return known;
  const found = lookAt(join(site.root, folder));
  const kind = found === null ? "missing" : found.isSymbolicLink() ? "link" : found.isDirectory() ? "folder" : "file";
  site.folders.set(folder, kind);
  return kind;
}

function isOurs(site: Site, at: string, target: string): boolean {
  return isInside(resolve(dirname(at), target), site.boundary);
}

/** Makes the path right, given what was found there. False when it changed since and is to be looked at again. */
export function place(site: Site, source: Source, found: Found): boolean {
  const at = site.root + sep + source.path;
  let backup: string | null = null;
  try {
    switch (found.is) {
      case "right":
        return true;
      case "blocked":
        site.say(source.path, "skipped", found.reason);
        return true;
      case "absent":
        makeFolders(site, source.path);
        break;
      case "ours":
      case "same":
      case "theirs":
        if (found.is === "theirs") site.record.backedUp.add(source.path);
        backup = setAside(at, site.commonDir, (file) => isWorthless(site, source, at, file));
        break;
    }
    const placed = put(site, source, at);
    if (backup !== null)
      site.say(source.path, "backed-up", `kept as ${relative(site.root, backup).replaceAll(sep, "/")}`);
    if (placed === "taken") {
      site.folders.clear();
      return false;
    }
    site.say(source.path, placed.action, placed.detail);
  } catch (error) {
    if (backup !== null) restore(at, backup);
    site.say(source.path, "skipped", sentence(error));
  }
  return true;
}

function sentence(error: unknown): string {
  if (ImiError.is(error)) return error.message;
  const code = codeOrMessage(error);
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") return `the folder cannot be written (${code})`;
  if (code === "ENOSPC" || code === "EDQUOT") return `the disk is full (${code})`;
  return `it could not be linked (${code})`;
}

/** The link failed after its place was cleared: the user's file goes back, unless something came there since. */
function restore(at: string, backup: string): void {
  try {
    linkSync(backup, at);
    rmSync(backup);
  } catch {
    // It stays as the backup, and is told as such by its name.
  }
}

/** Bytes that exist in sync/, or that iMi wrote and nobody changed. */
function isWorthless(site: Site, source: Source, at: string, file: string): boolean {
  const found = lookAt(file);
  if (found === null) return true;
  if (found.isSymbolicLink()) return isOurs(site, at, readlinkSync(file));
  if (!found.isFile()) return false;
  if (sameBytes(file, source.file)) return true;
  return site.record.copies.get(source.path)?.includes(hashOf(file)) === true;
}

function makeFolders(site: Site, path: string): void {
  for (const folder of parentsOf(path)) {
    const full = join(site.root, folder);
    try {
      // Through a link on the way it would be made elsewhere; the ones before this were looked at.
      mkdirSync(full);
      site.record.folders.add(folder);
      site.folders.set(folder, "folder");
      continue;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const found = lookAt(full);
    if (found?.isDirectory() !== true) throw new ImiError("path/taken", `${folder} is not a folder.`);
    if (lookAt(join(full, ".git")) !== null) {
      throw new ImiError("path/unsafe", `${folder} is a repository of its own.`);
    }
  }
}

type Put = "taken" | { readonly action: "linked" | "copied"; readonly detail: string | null };

/** Fills a free name; never replaces anything. */
function put(site: Site, source: Source, at: string): Put {
  let detail: string | null = null;
  if (site.mode !== "copy" && !isCopy(site, source.path)) {
    try {
      symlinkSync(relative(dirname(at), source.file), at, "file");
      site.record.copies.delete(source.path);
      return { action: "linked", detail: null };
    } catch (error) {
      const code = codeOf(error) ?? "";
      if (code === "EEXIST") return "taken";
      const refused = ["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(code);
      if (!refused || site.mode === "link") throw error;
      detail = `symbolic links are not permitted here (${code}); the copy is kept in step`;
    }
  }
  return copy(site, source, at) ? { action: "copied", detail } : "taken";
}

function copy(site: Site, source: Source, at: string): boolean {
  const folder = asideFolder(site.commonDir);
  mkdirSync(folder, { recursive: true });
  const draft = join(folder, `${uniqueName()}.draft`);
  try {
    const original = realpathSync.native(source.file);
    const { atimeMs, mtimeMs } = statSync(original);
    copyFileSync(original, draft, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    utimesSync(draft, atimeMs / 1000, mtimeMs / 1000);
    const hash = hashOf(draft);
    const { record } = site;
    // Both are ours until the new one is there: whoever is killed between must not take his own copy for an edited one.
    record.copies.set(source.path, [...(record.copies.get(source.path) ?? []), hash]);
    writeRecord(site.commonDir, record);
    try {
      linkSync(draft, at);
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      copyFileSync(draft, at, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      utimesSync(at, atimeMs / 1000, mtimeMs / 1000);
    }
    record.copies.set(source.path, [hash]);
    return true;
  } catch (error) {
    // Gone: the source, or the folder for drafts, which another process found empty. Looked at again.
    if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOENT") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes our link or copy of a file that is gone from sync/. True when the record changed. */
export function removeOurs(site: Site, path: string): boolean {
  const { record } = site;
  const at = site.root + sep + path;
  try {
    const reachable = parentsOf(path).every((folder) => folderKind(site, folder) === "folder");
    const found = reachable ? lookAt(at) : null;
    if (found !== null) {
      const hashes = record.copies.get(path) ?? [];
      const isWritten = (file: string): boolean => {
        const what = lookAt(file);
        if (what === null) return true;
        if (what.isSymbolicLink()) return isOurs(site, at, readlinkSync(file));
        return what.isFile() && hashes.length > 0 && hashes.includes(hashOf(file));
      };
      if (isWritten(at)) {
        const backup = setAside(at, site.commonDir, isWritten);
        site.say(path, "unlinked", backup === null ? null : `kept as ${relative(site.root, backup)}`);
        removeFolders(site, path);
      } else if (record.copies.has(path)) {
        site.say(path, "skipped", "it is gone from sync/, but this copy was edited here and stays");
      }
    } else if (reachable) removeFolders(site, path);
  } catch (error) {
    site.say(path, "skipped", `it could not be unlinked (${codeOrMessage(error)})`);
    return false;
  }
  record.placed.delete(path);
  record.copies.delete(path);
  return true;
}

function removeFolders(site: Site, path: string): void {
  for (const folder of parentsOf(path).reverse()) {
    if (!site.record.folders.has(folder)) return;
    try {
      rmdirSync(join(site.root, folder));
    } catch {
      return;
    }
    site.record.folders.delete(folder);
    site.folders.delete(folder);
  }
}
