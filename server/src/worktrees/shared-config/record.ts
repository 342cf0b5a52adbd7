import { existsSync, readFileSync, readdirSync, realpathSync, rmSync, rmdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { codeOf } from "../../errno.ts";
import { maybeInUse, writeWhole } from "./files.ts";

/**
 * What iMi put into one worktree. Written before anything is put there, so it may name more than there is: who removes
 * something looks at what is there first. In `<common git dir>/imi/shared/`, a file per worktree.
 */
export interface PlacedRecord {
  readonly worktree: string;
  /** Paths where a link or a copy of ours is. */
  readonly placed: Set<string>;
  /** For copies: SHA-256 of the bytes that were written there, the newest last. */
  readonly copies: Map<string, readonly string[]>;
  /** Folders that were made for links. */
  readonly folders: Set<string>;
  /** Paths whose former file is kept beside as `.backup`. */
  readonly backedUp: Set<string>;
}

const recordFolder = (commonDir: string): string => join(commonDir, "imi", "shared");

/** Where things stand for the moment between leaving their place and being judged: inside the clone, not the worktree. */
export const asideFolder = (commonDir: string): string => join(recordFolder(commonDir), "aside");

function recordFile(commonDir: string, root: string): string {
  return join(recordFolder(commonDir), `${fingerprint(root)}.json`);
}

/** 64 bits of FNV-1a: two halves with different starts. The record names its worktree, so a collision shows. */
function fingerprint(text: string): string {
  let first = 0x811c9dc5;
  let second = 0x01000193;
  for (const byte of Buffer.from(text)) {
    first = Math.imul(first ^ byte, 0x01000193);
    second = Math.imul(second ^ (byte + 0x5b), 0x01000193);
  }
  return [first, second].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

export function recordsExist(commonDir: string): boolean {
  return existsSync(recordFolder(commonDir));
}

/** The text each record has in its file, so that it is written only when it changed. */
const texts = new WeakMap<PlacedRecord, string>();

export function readRecord(commonDir: string, root: string): PlacedRecord {
  let text = "";
  let stored: Partial<Record<string, unknown>> = {};
  try {
    text = readFileSync(recordFile(commonDir, root), "utf8");
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "worktree" in parsed && parsed.worktree === root) {
      stored = { ...parsed };
    }
  } catch (error) {
    // A damaged record is an empty one: links that are right are taken up again, others stay.
    if (!(error instanceof SyntaxError) && codeOf(error) !== "ENOENT") throw error;
  }
  const copies = typeof stored["copies"] === "object" && stored["copies"] !== null ? stored["copies"] : {};
  const record: PlacedRecord = {
    worktree: root,
    placed: new Set(pathsIn(stored["placed"])),
    copies: new Map(Object.entries(copies).map(([path, hashes]) => [path, pathsIn(hashes)])),
    folders: new Set(pathsIn(stored["folders"])),
    backedUp: new Set(pathsIn(stored["backedUp"])),
  };
  texts.set(record, text);
  return record;
}

/** Only what can be a path inside the worktree: the file is in .git, but other programs write there too. */
function pathsIn(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((path): path is string => {
    if (typeof path !== "string" || path === "" || path.startsWith("/")) return false;
    return !path.split(/[\\/]/).some((part) => part === ".." || part.toLowerCase() === ".git");
  });
}

export function writeRecord(commonDir: string, record: PlacedRecord): void {
  const file = recordFile(commonDir, record.worktree);
  if (record.placed.size === 0 && record.backedUp.size === 0) {
    rmSync(file, { force: true });
    texts.delete(record);
    return;
  }
  const text = `${JSON.stringify({
    worktree: record.worktree,
    placed: [...record.placed],
    copies: Object.fromEntries(record.copies),
    folders: [...record.folders],
    backedUp: [...record.backedUp],
  })}\n`;
  if (text === texts.get(record)) return;
  writeWhole(file, text, 0o600, recordFolder(commonDir));
  texts.set(record, text);
}

/** Drops records of worktrees that are gone, and drafts of processes that are; looks only when there are too many. */
export function sweepRecords(commonDir: string, expected: number): void {
  let names: string[];
  try {
    names = readdirSync(recordFolder(commonDir));
  } catch {
    return;
  }
  const drafts = names.filter((name) => name.endsWith(".draft"));
  for (const name of drafts) {
    if (!maybeInUse(name)) rmSync(join(recordFolder(commonDir), name), { force: true });
  }
  const records = names.filter((name) => name.endsWith(".json"));
  if (records.length <= expected) return;
  for (const name of records) {
    const file = join(recordFolder(commonDir), name);
    try {
      const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
      const worktree = typeof parsed === "object" && parsed !== null && "worktree" in parsed ? parsed.worktree : null;
      // Its parent must be there: a disk that is not mounted has lost no worktree.
      if (typeof worktree === "string" && !existsSync(worktree) && existsSync(dirname(worktree))) rmSync(file);
    } catch {
      // Not readable now; another time.
    }
  }
}

/** Removes the folder of records when nothing is in it. */
export function clearRecords(commonDir: string): void {
  for (const folder of [asideFolder(commonDir), recordFolder(commonDir)]) {
    try {
      rmdirSync(folder);
    } catch {
      // Not there, or something is still in it.
    }
  }
}

/** Backups that linking made in a worktree and that are still there, relative to it. They are excluded from `git status`. */
export function sharedConfigBackups(commonDir: string, worktree: string): string[] {
  let root: string;
  try {
    root = realpathSync.native(worktree);
  } catch {
    return [];
  }
  const found: string[] = [];
  for (const path of readRecord(commonDir, root).backedUp) {
    const folder = dirname(path);
    const start = `${basename(path)}.backup`;
    let names: string[];
    try {
      names = readdirSync(join(root, folder));
    } catch {
      continue;
    }
    for (const name of names) {
      if (!name.startsWith(start) || !/^(\.\d+)?$/.test(name.slice(start.length))) continue;
      found.push(folder === "." ? name : `${folder}/${name}`);
    }
  }
  return found.sort();
}
