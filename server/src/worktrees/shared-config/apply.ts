import { realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SyncAction } from "../../../../protocol/worktrees.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { keepOutOfStatus } from "./exclude.ts";
import { codeOrMessage } from "../../errno.ts";
import { inspect, place, removeOurs } from "./place.ts";
import type { Found, Site } from "./place.ts";
import { clearRecords, readRecord, recordsExist, sweepRecords, writeRecord } from "./record.ts";
import { isInside, readSources } from "./sources.ts";
import type { Source, Sources } from "./sources.ts";
import { Scratch, trackedPaths } from "./tracked.ts";
import { clearAside } from "./set-aside.ts";

export interface SharedConfigOptions {
  /** Folder that holds the worktrees and sync/; absolute. */
  readonly container: string;
  /** Folder of config shared by every repository; relative to the container, or absolute. */
  readonly globalPath: string;
  /** Folder of config of this repository; wins over the global one. */
  readonly repoPath: string;
  /** Which files are linked: patterns as in .gitignore, over paths relative to the two folders. */
  readonly patterns: readonly string[];
  /** The clone's common git directory; absolute. */
  readonly commonDir: string;
  /** By default links, and copies where links are not permitted. `link` and `copy` insist. */
  readonly mode?: "link" | "copy";
  /**
   * Which of these paths git tracks in the worktree (`git ls-files -z --`). Asked at most once per worktree, and only
   * where the worktree's index cannot be read directly (version 4, split, sparse).
   */
  readonly trackedIn: (worktree: string, paths: readonly string[]) => Promise<ReadonlySet<string>>;
}

export interface WorktreePlace {
  readonly name: string;
  readonly path: string;
}

export interface SharedConfigResult {
  /** Links and copies found right, so that nothing was done. */
  readonly verified: number;
  /**
   * What was done or left undone. Where the trouble is in sync/ itself, `worktree` is "sync" and `path` is relative to
   * the container.
   */
  readonly actions: SyncAction[];
}

/** Longest time without giving the event loop a turn, in milliseconds. */
const slice = 8;
/** Paths that change under us are looked at again this often. */
const attempts = 4;

/**
 * Makes every worktree hold a link to each file of sync/ (seed 002 "Symlink Conflicts", seed 001 §5). Idempotent, and
 * safe to kill at any point: what was begun is finished by the next call and no user's bytes are lost. One call at a
 * time per clone runs in a process; the others wait. Throws ImiError; what concerns one file is an action instead.
 */
export function applySharedConfig(
  options: SharedConfigOptions,
  worktrees: readonly WorktreePlace[],
  signal?: AbortSignal,
): Promise<SharedConfigResult> {
  const before = running.get(options.commonDir);
  const run = (async () => {
    if (before !== undefined) await before.catch(() => undefined);
    return apply(options, worktrees, signal);
  })();
  running.set(options.commonDir, run);
  const forget = (): void => {
    if (running.get(options.commonDir) === run) running.delete(options.commonDir);
  };
  run.then(forget, forget);
  return run;
}

const running = new Map<string, Promise<unknown>>();

interface Round {
  readonly options: SharedConfigOptions;
  readonly sources: Sources;
  readonly actions: SyncAction[];
  readonly excluded: (backups: readonly string[]) => void;
  readonly breathe: () => Promise<void>;
  readonly scratch: Scratch;
  verified: number;
}

async function apply(
  options: SharedConfigOptions,
  worktrees: readonly WorktreePlace[],
  signal: AbortSignal | undefined,
): Promise<SharedConfigResult> {
  signal?.throwIfAborted();
  const sources = await readSources(options, worktrees);
  const records = recordsExist(options.commonDir);
  if (sources.files.length === 0 && sources.skipped.length === 0 && !records) return { verified: 0, actions: [] };

  const actions: SyncAction[] = sources.skipped.map(({ path, reason }) => ({
    worktree: "sync",
    path,
    action: "skipped",
    detail: reason,
  }));
  const paths = sources.files.map((source) => source.path);
  // First the exclude file, then the links: git status never sees one.
  if (sources.complete) reportExclude(options, paths, [], actions);
  if (records) clearAside(options.commonDir, sources.files, actions);

  let turn = performance.now();
  const round: Round = {
    options,
    sources,
    actions,
    verified: 0,
    scratch: new Scratch(),
    excluded: (backups) => {
      reportExclude(options, paths, backups, actions);
    },
    breathe: async () => {
      if (performance.now() - turn < slice) return;
      await new Promise(setImmediate);
      turn = performance.now();
      signal?.throwIfAborted();
    },
  };
  for (const worktree of worktrees) {
    signal?.throwIfAborted();
    await settle(round, worktree);
    await round.breathe();
  }
  if (sources.files.length === 0 && sources.complete) clearRecords(options.commonDir);
  else if (worktrees.length > 1) sweepRecords(options.commonDir, worktrees.length);
  return { verified: round.verified, actions };
}

function reportExclude(
  options: SharedConfigOptions,
  paths: readonly string[],
  backups: readonly string[],
  actions: SyncAction[],
): void {
  try {
    keepOutOfStatus(options.commonDir, paths, backups);
  } catch (error) {
    // Links that git status shows are a nuisance, no links are worse.
    const detail = `git status will show the links: ${join(options.commonDir, "info", "exclude")} cannot be written (${codeOrMessage(error)})`;
    if (!actions.some((action) => action.detail === detail)) {
      actions.push({ worktree: "sync", path: "info/exclude", action: "skipped", detail });
    }
  }
}

async function settle(round: Round, worktree: WorktreePlace): Promise<void> {
  const { options, sources, actions } = round;
  const say = (path: string, action: SyncAction["action"], detail: string | null): void => {
    actions.push({ worktree: worktree.name, path, action, detail });
  };
  let root: string;
  try {
    root = realpathSync.native(worktree.path);
    if (!statSync(root).isDirectory()) throw new ImiError("path/taken", `${worktree.path} is not a folder.`);
  } catch (error) {
    say(".", "skipped", `the worktree's folder cannot be read (${codeOrMessage(error)})`);
    return;
  }
  if (sources.boundary.includes(root) || isInside(root, sources.boundary)) {
    say(".", "skipped", "the worktree is inside sync/");
    return;
  }

  const record = readRecord(options.commonDir, root);
  const site: Site = {
    root,
    commonDir: options.commonDir,
    boundary: sources.boundary,
    mode: options.mode ?? "auto",
    record,
    folders: new Map(),
    say,
  };

  // First what is gone from sync/: a folder may now stand where a file was linked.
  let changed = false;
  if (sources.complete) {
    for (const path of record.placed) {
      if (sources.byPath.has(path)) continue;
      changed = removeOurs(site, path) || changed;
      await round.breathe();
    }
  }

  const open: Open[] = [];
  for (const source of sources.files) {
    const found = inspect(site, source);
    if (found.is === "right") {
      round.verified += 1;
      if (!record.placed.has(source.path)) {
        record.placed.add(source.path);
        changed = true;
      }
    } else if (found.is === "blocked") say(source.path, "skipped", found.reason);
    else open.push({ source, found });
    await round.breathe();
  }
  if (open.length > 0) changed = (await settleOpen(round, site, open)) || changed;
  if (changed) attempt(site, () => writeRecord(options.commonDir, record));
}

interface Open {
  readonly source: Source;
  readonly found: Found;
}

/** The paths that are not right yet: asks about tracked ones, writes the intention, then does it. True when it did. */
async function settleOpen(round: Round, site: Site, open: readonly Open[]): Promise<boolean> {
  const { commonDir, trackedIn } = round.options;
  // Also what is missing is asked about: a link in the place of a tracked file that the user deleted (or that a sparse
  // checkout left out) would be committed instead of the deletion.
  const paths = open.map(({ source }) => source.path);
  const tracked = await trackedPaths(site.root, paths, round.scratch, trackedIn);
  const wanted: Open[] = [];
  const backups: string[] = [];
  for (const one of open) {
    const { path } = one.source;
    if (tracked.has(path)) {
      site.say(path, "skipped", "git tracks a file of this name here");
      continue;
    }
    wanted.push(one);
    site.record.placed.add(path);
    for (const folder of one.found.missing) site.record.folders.add(folder);
    if (one.found.is === "theirs") {
      backups.push(path);
      site.record.backedUp.add(path);
    }
  }
  if (wanted.length === 0) return false;
  if (backups.length > 0) round.excluded(backups);
  const foreseen = new Set(site.record.backedUp);
  if (!attempt(site, () => writeRecord(commonDir, site.record))) return false;

  for (const { source, found } of wanted) {
    let settled = place(site, source, found);
    for (let count = 1; !settled && count < attempts; count += 1) settled = place(site, source, inspect(site, source));
    if (!settled) site.say(source.path, "skipped", "it keeps changing; try again");
    await round.breathe();
  }
  // A file that came while its place was being filled was backed up too.
  const unforeseen = [...site.record.backedUp].filter((path) => !foreseen.has(path));
  if (unforeseen.length > 0) round.excluded(unforeseen);
  return true;
}

function attempt(site: Site, step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    site.say(".", "skipped", `the record of links in ${site.commonDir} cannot be written (${codeOrMessage(error)})`);
    return false;
  }
}
