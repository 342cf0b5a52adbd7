import { lstat, mkdir, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { checkBranch, clone, findRepository } from "../git/index.ts";
import { inside } from "../inside.ts";
import { Notes, mutationLease, mutationWaitMs } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { toWorktree } from "./entity.ts";
import { layoutOf } from "./layout.ts";

/** The repository a path belongs to; registered, with every worktree git knows, on first meeting. */
export const open = async (tools: Tools, path: string, call: Call): Promise<Repository> => {
  const place = await findRepository(path);
  const known = await tools.store.repositories.byGitDir(place.commonDir);
  if (known !== null) return known;
  const found = await layoutOf(place);
  const before = await movedFrom(tools, found);
  const met = before === null ? await tools.store.repositories.meet(found) : await follow(tools, before, found, call);
  await (await import("./reconcile.ts")).reconcileRepository(tools, met, call);
  return met;
};

/**
 * The registered repository that was renamed on disk to what was found: its git directory is gone from where it was, and
 * one of its worktrees is the very folder that now has the same place beside it.
 */
const movedFrom = async (tools: Tools, found: Found): Promise<Repository | null> => {
  for (const repository of await tools.store.repositories.all()) {
    if ((await lstat(repository.gitDir).catch(() => null)) !== null) continue;
    for (const row of await tools.store.worktrees.of(repository.id)) {
      const now = await stat(pathAfter(row.path, repository, found), { bigint: true }).catch(() => null);
      if (now !== null && row.identity?.inode === String(now.ino) && row.identity.device === String(now.dev))
        return repository;
    }
  }
  return null;
};

type Found = Omit<Repository, "id">;

const pathAfter = (path: string, before: Found, now: Found): string => {
  if (path === before.trunk && now.trunk !== null) return now.trunk;
  const below = inside(before.container, path);
  return below === null ? path : join(now.container, below);
};

/** git's links between the repository and its worktrees are absolute: those that moved along are mended. */
const follow = async (tools: Tools, before: Repository, found: Found, call: Call): Promise<Repository> => {
  const lease = await tools.store.leases.take(mutationLease(before), {
    purpose: `follow ${before.name} to ${found.gitDir}`,
    waitMs: mutationWaitMs,
    signal: call.signal,
  });
  try {
    const rows = await tools.store.worktrees.of(before.id);
    const paths = rows.filter((row) => row.path !== before.trunk).map((row) => pathAfter(row.path, before, found));
    // What it cannot mend (a worktree deleted meanwhile) it says by its exit code, and does the others all the same.
    await tools.git.run(found.gitDir, ["worktree", "repair", "--", ...paths], {
      access: "write",
      accept: [0, 1, 255],
      signal: call.signal,
    });
    return await tools.store.repositories.move(before.id, found);
  } finally {
    await lease.release();
  }
};

/** Adopts what is there and makes the folders of shared config; run again, it changes nothing. */
export const init = async (tools: Tools, path: string, call: Call): Promise<ResultOf<"repository.init">> => {
  const notes = new Notes();
  const met = await open(tools, path, call);
  // The clone may have been renamed to trunk-* since it was met: the layout is read afresh.
  const repository = await tools.store.repositories.meet(await layoutOf(await findRepository(path)));
  await (await import("./reconcile.ts")).reconcileRepository(tools, met, call);
  await makeSyncFolders(tools, repository);
  const rows = await tools.store.worktrees.of(repository.id);
  return { repository, worktrees: rows.map((row) => toWorktree(row)), notes: notes.list };
};

const makeSyncFolders = async (tools: Tools, repository: Repository): Promise<void> => {
  const { userSyncPath, localSyncPath } = tools.settings();
  for (const folder of [userSyncPath, localSyncPath])
    await mkdir(join(repository.container, folder), { recursive: true });
};

/**
 * Clones into `<container>/trunk-<branch>` with `sync/` beside it (seed 002, "Convention-Based Worktree Management").
 * The checkout appears under its name only when it is whole, so a clone that was cut off leaves nothing that looks done.
 */
export const cloneInto = async (
  tools: Tools,
  cwd: string,
  params: ParsedOf<"repository.clone">,
  call: Call,
): Promise<ResultOf<"repository.clone">> => {
  const source = await localSource(cwd, params.url);
  const container = resolve(cwd, params.directory ?? nameFrom(params.url));
  await refuseUnlessFree(container);
  call.progress(`Asking ${params.url}`, null);
  const branch = await trunkBranch(tools, cwd, source, call);
  const target = join(container, `trunk-${branch.replaceAll("/", "-")}`);
  const unfinished = join(container, `.trunk.cloning`);
  await mkdir(container, { recursive: true });
  await rm(unfinished, { recursive: true, force: true }); // ours by name: what a killed clone left
  try {
    await clone(tools.git, {
      url: source,
      directory: unfinished,
      signal: call.signal,
      onProgress: (line) => call.progress(line, fractionIn(line)),
    });
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    await rmdirIfEmpty(container);
    throw error;
  }
  const { repository, worktrees } = await init(tools, await realpath(target), call);
  const main = worktrees.find((candidate) => candidate.path === repository.trunk);
  if (main === undefined) throw new ImiError("internal", `The clone at ${target} was not registered.`);
  return { repository, worktree: main, notes: [] };
};

/** A path is made absolute, because git runs elsewhere; an address is left as it is. What exists here is a path, as git has it. */
const localSource = async (cwd: string, url: string): Promise<string> => {
  if (url.startsWith("-")) {
    throw new ImiError("usage/invalid", `"${url}" is not an address to clone from.`, { hint: "Give a URL or a path." });
  }
  const path = resolve(cwd, url);
  return (await lstat(path).catch(() => null)) === null ? url : path;
};

const nameFrom = (url: string): string => {
  const name = basename(url.replace(/[/\\]+$/, "").replace(/\.git$/, "")).replace(/^.*:/, "");
  if (name === "" || name === "." || name === "..") {
    throw new ImiError("usage/invalid", `No folder name can be made from "${url}".`, {
      hint: "Give the folder as second argument.",
    });
  }
  return name;
};

const refuseUnlessFree = async (container: string): Promise<void> => {
  const facts = await lstat(container).catch(() => null);
  if (facts === null) return;
  const entries = facts.isDirectory() ? await readdir(container) : null;
  const free = entries?.every((entry) => entry === ".trunk.cloning" || entry === "sync") === true;
  if (!free) {
    throw new ImiError("path/taken", `${container} exists already and is not empty.`, {
      hint: "Choose another folder, or adopt a clone that is there with `imi init PATH`.",
    });
  }
};

const trunkBranch = async (tools: Tools, cwd: string, url: string, call: Call): Promise<string> => {
  const { stdout } = await tools.git.run(cwd, ["ls-remote", "--symref", "--end-of-options", url, "HEAD"], {
    access: "read",
    signal: call.signal,
    timeoutMs: 60_000,
  });
  const told = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(stdout)?.[1];
  return told === undefined ? tools.settings().defaultBranch : checkBranch(told);
};

/** "Receiving objects:  42% (…)" */
const fractionIn = (line: string): number | null => {
  const percent = /\b(\d{1,3})%/.exec(line)?.[1];
  return percent === undefined ? null : Number(percent) / 100;
};

const rmdirIfEmpty = async (path: string): Promise<void> => {
  const entries = await readdir(path).catch(() => ["unreadable"]);
  if (entries.length === 0 && dirname(path) !== path) await rm(path, { recursive: true, force: true });
};
