import { createHash } from "node:crypto";
import { closeSync, fsync, mkdirSync, openSync, renameSync, statSync, writeFileSync } from "node:fs";
import { readFile, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { codeOf } from "../../errno.ts";
import type { TrashRow, WorktreeRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { timeStamp } from "../salvage/names.ts";
import { isThere } from "./files.ts";

const synced = promisify(fsync);

/** Where a removed worktree's folder goes, and how it gets there. */
export interface Place {
  readonly folder: string;
  readonly via: "rename" | "copy";
}

/** A folder of each repository's own, the same for a registry that was made anew: named after where the repository is. */
const trashRoots = (tools: Tools, repository: Repository): { readonly beside: string; readonly inside: string } => {
  const key = createHash("sha256").update(repository.gitDir).digest("hex").slice(0, 12);
  return {
    beside: join(dirname(tools.store.path), "trash", `${plain(repository.name)}-${key}`),
    inside: join(repository.gitDir, "imi-trash-files"),
  };
};

const plain = (name: string): string =>
  name
    .replace(/[^\w.-]+/gu, "_")
    .replace(/^\.+/u, "_")
    .slice(0, 60);

/** Name of an entry's folders: readable, and one that no other has. */
export const entryName = (row: WorktreeRow, at: Date, id: string): string =>
  `${plain(row.name)}-${timeStamp(at)}-${id.slice(-6)}`;

/** Renaming is only possible within a file system: beside the registry if it is there, else in the git directory, else by copy. */
export const placeFor = async (tools: Tools, repository: Repository, path: string, name: string): Promise<Place> => {
  const { beside, inside } = trashRoots(tools, repository);
  const { dev } = statSync(path);
  let failed: unknown = null;
  for (const root of [beside, inside]) {
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      if (statSync(root).dev === dev) return { folder: join(root, name), via: "rename" };
    } catch (error) {
      failed = error;
    }
  }
  if (await isThere(beside)) return { folder: join(beside, name), via: "copy" };
  throw new ImiError("path/permission", `The trash ${beside} cannot be made (${codeOf(failed) ?? "unknown"}).`, {
    hint: "Nothing was removed. Make its folder writable, or set IMI_DB_PATH to a place that is.",
    cause: failed,
  });
};

/** The folder a worktree's own is in, inside the entry's. */
export const treeOf = (entry: Pick<TrashRow, "place">): string => join(entry.place, "tree");

interface Manifest {
  readonly version: 1;
  readonly gitDir: string;
  readonly entry: TrashRow;
}

/** Where a manifest is written before it has its name. One at a time: whoever writes holds the repository's lease. */
const draftOf = (entry: Pick<TrashRow, "place">): string => join(entry.place, "manifest.draft");

/** The entry in words that outlive the registry: written before anything is moved, whole or not at all. */
export const writeManifest = async (repository: Repository, entry: TrashRow): Promise<void> => {
  mkdirSync(entry.place, { recursive: true, mode: 0o700 });
  const manifest: Manifest = { version: 1, gitDir: repository.gitDir, entry };
  const draft = draftOf(entry);
  const file = openSync(draft, "w", 0o600);
  try {
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    await synced(file); // the one thing here that takes its time
  } finally {
    closeSync(file);
  }
  renameSync(draft, join(entry.place, "manifest.json"));
};

/** Deletes what a process killed while it wrote a manifest has left; call only under the repository's lease. */
export const sweepDraft = (entry: Pick<TrashRow, "place">): Promise<void> => rm(draftOf(entry), { force: true });

/** Deletes what is left of an entry's folder once its tree is gone from it. Never deletes a tree. */
export const clearPlace = async (entry: Pick<TrashRow, "place">): Promise<void> => {
  if (await isThere(treeOf(entry))) return;
  await rm(entry.place, { recursive: true, force: true });
};

/** Registers what lies in the trash and the registry does not know: it may have been lost, or be older than the removal. */
export const adoptTrash = async (tools: Tools, repository: Repository): Promise<void> => {
  const known = new Set((await tools.store.trash.of(repository.id)).map(({ place }) => basename(place)));
  for (const root of Object.values(trashRoots(tools, repository))) {
    for (const name of await readdir(root).catch(() => [])) {
      if (known.has(name)) continue;
      const found = await readManifest(join(root, name));
      if (
        found === null ||
        found.gitDir !== repository.gitDir ||
        (await tools.store.trash.byId(found.entry.id)) !== null
      )
        continue;
      const entry = { ...found.entry, place: join(root, name), repositoryId: repository.id };
      const hasTree = await isThere(treeOf(entry));
      const hasRecord = await isThere(entry.record);
      if (!hasTree && !hasRecord) await clearPlace(entry); // restored, and killed before it tidied up
      if (hasTree !== (entry.movement.tree !== null) || hasRecord !== (entry.movement.record !== null)) continue;
      await tools.store.trash.adopt({ ...entry, worktree: { ...entry.worktree, repositoryId: repository.id } });
    }
  }
};

const readManifest = async (place: string): Promise<Manifest | null> => {
  try {
    const parsed = JSON.parse(await readFile(join(place, "manifest.json"), "utf8")) as Partial<Manifest>;
    // Written by writeManifest; a newer one may mean something else.
    if (parsed.version !== 1 || typeof parsed.gitDir !== "string" || typeof parsed.entry?.id !== "string") return null;
    return parsed as Manifest;
  } catch {
    return null;
  }
};
