import { accessSync, constants, lstatSync } from "node:fs";
import type { Stats } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Salvage } from "../../../protocol/salvage.ts";
import type { Work } from "../../../protocol/work.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { codeOf, isAbsent } from "../errno.ts";
import { fault } from "../faults.ts";
import { lockNamed, quoted, readWorktreeRecords } from "../git/index.ts";
import type { WorktreeRecord } from "../git/index.ts";
import { processesIn } from "../process/index.ts";
import { uuidv7 } from "../store/index.ts";
import type { Holder, Lease, TrashRow, WorktreeRow } from "../store/index.ts";
import { checkoutOf, recordOf } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { Notes } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { find, toWorktree } from "./entity.ts";
import { lookAndRemember, stillClean } from "./found-clean.ts";
import { identityOf } from "./place.ts";
import { dropSalvage, salvage } from "./salvage/index.ts";
import { pinHead } from "./salvage/pin-head.ts";
import { hideDotGit } from "./trash/dot-git.ts";
import { toEntry } from "./trash/entry.ts";
import { identityAt, seenAt } from "./trash/files.ts";
import { finishTrash } from "./trash/finish.ts";
import { copyAhead, move } from "./trash/move.ts";
import type { Move } from "./trash/move.ts";
import { entryName, placeFor, treeOf, writeManifest } from "./trash/place.ts";
import type { Place } from "./trash/place.ts";
import { recordPath, recordState, retireRecord, retiredRecord } from "./trash/record.ts";
import { underLease } from "./under-lease.ts";
import { examine } from "./work/index.ts";
import { strangerAt } from "./work/place.ts";
import { inWords } from "./work/words.ts";

type Outcome = ResultOf<"worktree.remove">;

/**
 * Removes a worktree into the trash (docs/decisions/0006): what exists nowhere else is salvaged first, then git's record
 * and the folder are renamed away. The branch stays. Raises worktree/dirty where it holds work and nobody said `yes`,
 * worktree/main, worktree/locked, path/unsafe, salvage/failed, path/permission, disk/full; then nothing was removed.
 */
export const remove = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.remove">,
  call: Call,
  as: Holder | null = null,
): Promise<Outcome> => {
  if (params.dryRun) return rehearse(tools, repository, params.name, call);
  return underLease(tools, repository, `remove ${params.name}`, call, async (lease) => {
    const found = await removable(tools, repository, params.name);
    await refuseHeld(tools, repository, found.row, as);
    call.progress(`Looking at what ${found.row.name} holds`, null);
    const clean = await stillClean(tools, repository, found.row, call.signal);
    const work = clean?.work ?? (await workIn(tools, repository, found, "removal", call.signal));
    if (work.answer !== "clean" && !params.yes) throw holdsWork(found.row, work);
    const keep: Keep =
      clean === null
        ? salvage
        : (_, __, checkout, options) => pinHead(tools, repository, checkout, clean.head, work, options);
    return intoTrash(tools, repository, found, { work, keep, as }, lease, call);
  });
};

/**
 * Salvages and retires what git's record of a worktree holds whose folder is gone, so that one of its name can be made
 * anew. Call under the repository's lease.
 */
export const retireMissing = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  lease: Lease,
  call: Call,
  as: Holder | null,
): Promise<void> => {
  const found = await removable(tools, repository, row.name);
  await refuseHeld(tools, repository, found.row, as);
  const work = await workIn(tools, repository, found, "removal", call.signal);
  await intoTrash(tools, repository, found, { work, keep: salvage, as }, lease, call);
};

const rehearse = async (tools: Tools, repository: Repository, name: string, call: Call): Promise<Outcome> => {
  const found = await removable(tools, repository, name);
  const work = await lookAndRemember(tools, repository, found.row, () =>
    workIn(tools, repository, found, "full", call.signal),
  );
  const notes = new Notes();
  if (found.row.branch !== null) notes.add("branch/kept", `Branch ${found.row.branch} would be kept.`);
  const { claim } = found.row;
  if (claim !== null)
    notes.add("claim/held", `${claim.agent} holds it until ${claim.expiresAt}; only its holder may remove it.`);
  return { worktree: toWorktree(found.row), work, trash: null, notes: notes.list };
};

/** How what it holds is put in safety. */
type Keep = (
  tools: Tools,
  repository: Repository,
  checkout: Checkout,
  options: { readonly signal: AbortSignal; readonly at: Date },
) => Promise<Salvage>;

/** A worktree that may be removed, its folder (null: gone) and git's record of it (null: none). */
interface Found {
  readonly row: WorktreeRow;
  readonly checkout: Checkout;
  readonly folder: "there" | "gone";
  readonly record: WorktreeRecord | null;
}

const removable = async (tools: Tools, repository: Repository, name: string): Promise<Found> => {
  const row = find(await tools.store.worktrees.of(repository.id), name);
  if (row.path === repository.trunk || row.identity?.gitId === "") {
    throw new ImiError("worktree/main", `${row.name} is the main checkout; it holds the repository itself.`, {
      hint: "Remove the other worktrees instead.",
    });
  }
  if (row.state !== "ready" && row.state !== "missing") {
    throw new ImiError("repository/busy", `${row.name} is ${row.state}.`, { hint: "Look again: imi list" });
  }
  const folder = await folderOf(row);
  const records = await readWorktreeRecords(repository.gitDir);
  const record = await recordOf(repository, row, records);
  if (record === null && folder === "there") {
    throw new ImiError("worktree/mismatch", `git has no record of ${row.name}.`, {
      hint: "`imi reconcile` brings the registry up to date; the folder was not touched.",
    });
  }
  if (record !== null && record.lockReason !== null) throw locked(row, record.lockReason);
  if (record !== null && folder === "there") await refuseStranger(repository, row, record);
  refuseOthersInside(row, records);
  return {
    row,
    checkout: checkoutOf(repository, row, record?.gitId ?? row.identity?.gitId ?? row.name),
    folder,
    record,
  };
};

/** A worktree within this one would go along, and git would take its record for one of a worktree that is gone. */
const refuseOthersInside = (row: WorktreeRow, records: readonly WorktreeRecord[]): void => {
  const isInside = (path: string): boolean => path.startsWith(row.path + sep);
  const inside = records.find(({ path }) => path !== null && isInside(path));
  if (inside === undefined) return;
  throw new ImiError("worktree/nested", `Another worktree lies inside ${row.name}: ${inside.path ?? ""}.`, {
    hint: "Remove or move that one first: git worktree move. Nothing was touched.",
  });
};

/** The recorded identity decides: another repository, or a link, at a registered path is never touched. */
const folderOf = async (row: WorktreeRow): Promise<Found["folder"]> => {
  const facts = factsOf(row.path);
  if (facts === null) return "gone";
  if (!facts.isDirectory()) {
    throw notRegistered(row, facts.isSymbolicLink() ? "a symbolic link stands there" : "it is no folder");
  }
  // Not by its device: what the system calls a disk may change whenever it is mounted.
  const now = await identityOf(row.path);
  const same = row.identity === null || (now?.inode === row.identity.inode && now.gitId === row.identity.gitId);
  if (!same) throw notRegistered(row, "another one stands there");
  // Said now rather than when half of it is done: a rename needs the folder around it to be writable.
  try {
    accessSync(dirname(row.path), constants.W_OK);
  } catch (error) {
    throw new ImiError(
      "path/permission",
      `${dirname(row.path)} is not writable, so ${row.name} cannot be moved out of it.`,
      {
        hint: "Nothing was removed. Make that folder writable, then try again.",
        cause: error,
      },
    );
  }
  return "there";
};

/** null where nothing is. */
const factsOf = (path: string): Stats | null => {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw new ImiError("path/permission", `${path} cannot be looked at (${codeOf(error) ?? "unknown"}).`, {
      hint: "Nothing was removed. Make it readable, then try again.",
      cause: error,
    });
  }
};

/** The same folder may have been given to another repository: then its `.git` leads there. `--yes` does not mean that one. */
const refuseStranger = async (repository: Repository, row: WorktreeRow, { gitId }: WorktreeRecord): Promise<void> => {
  const record = recordPath(repository, gitId);
  const place = { path: row.path, gitDir: record, commonDir: repository.gitDir, top: row.path, record };
  const stranger = await strangerAt(place);
  if (stranger !== null) throw notRegistered(row, stranger);
};

const notRegistered = (row: WorktreeRow, why: string): ImiError =>
  new ImiError("path/unsafe", `${row.path} is not the folder that was registered as ${row.name}: ${why}.`, {
    hint: "It was not touched. Bring the worktree's own folder back to that place; or where this is a copy of it that is to take its place, run `imi reconcile`. Then try again.",
  });

const locked = (row: WorktreeRow, reason: string): ImiError =>
  new ImiError("worktree/locked", `${row.name} is locked: ${reason === "" ? "no reason was given" : reason}.`, {
    hint: `Whoever locked it meant it to stay. To unlock: git worktree unlock ${quoted(row.path)}`,
  });

const workIn = async (
  tools: Tools,
  repository: Repository,
  { checkout, folder }: Found,
  depth: "removal" | "full",
  signal: AbortSignal,
): Promise<Work> => {
  if (folder === "there") return examine(tools, repository, checkout, { depth, signal });
  return { answer: "unknown", reason: "its folder is gone; a disk may not be mounted", items: [], merged: null };
};

/** Said before it is looked at, which takes time; what decides is the transaction that begins the removal. */
const refuseHeld = async (tools: Tools, repository: Repository, row: WorktreeRow, as: Holder | null): Promise<void> => {
  await (await tools.claims()).require({ repository, row }, as);
};

const holdsWork = (row: WorktreeRow, work: Work): ImiError =>
  work.answer === "unknown"
    ? new ImiError("worktree/dirty", `What ${row.name} holds could not be found out: ${work.reason ?? "no reason"}.`, {
        hint: "Mend that, or add --yes: everything that can be read is salvaged, the rest is kept in the trash.",
      })
    : new ImiError("worktree/dirty", `${row.name} holds work: ${inWords(work)}.`, {
        hint: "Add --yes to salvage it and remove the worktree into the trash, or --dry-run to see all of it.",
      });

/** How long a git that holds the index is waited for, and the age from which its lock is taken for left behind, in ms. */
const indexLockPatienceMs = 2_000;
const leftBehindMs = 60_000;

/** One that writes in the worktree, such as `git commit -a` whose message somebody is still writing. What only reads says so. */
const gitAtWork = (path: string): number | null =>
  processesIn(path).find(({ args: [program = "", ...args] }) => {
    return /^git(?:\.exe)?$/u.test(basename(program)) && !args.includes("--no-optional-locks");
  })?.pid ?? null;

/** A commit that is being made is waited for. A lock that a killed git left goes into the trash with the rest, and comes back with it. */
const waitForIndex = async (
  { row: { name, path }, checkout }: Found,
  notes: Notes,
  signal: AbortSignal,
): Promise<void> => {
  const lock = join(checkout.gitDir, "index.lock");
  for (const until = Date.now() + indexLockPatienceMs; ; await delay(25, undefined, { signal })) {
    const facts = seenAt(lock);
    if (facts === null) return;
    if (Date.now() < until) continue;
    const pid = gitAtWork(path);
    if (pid !== null) {
      throw new ImiError(
        "repository/busy",
        `git (process ${pid}) is at work in ${name}: it holds ${lockNamed(lock)}.`,
        {
          hint: "Nothing was removed. Let it end (an editor may be open on its commit message), then try again.",
        },
      );
    }
    if (Date.now() - facts.mtimeMs < leftBehindMs) {
      const seconds = Math.ceil((leftBehindMs - (Date.now() - facts.mtimeMs)) / 1000);
      throw new ImiError("repository/busy", `git is at work in ${name}: it holds ${lockNamed(lock)}.`, {
        hint: `Nothing was removed. Let it end, then try again. If no git runs there any more, one was killed: delete that file, or wait ${seconds} s, from when on it is taken along.`,
      });
    }
    notes.add("git/lock", `A git that was killed left ${lock}; it went into the trash and comes back with a restore.`);
    return;
  }
};

const intoTrash = async (
  tools: Tools,
  repository: Repository,
  found: Found,
  { work, keep, as }: { readonly work: Work; readonly keep: Keep; readonly as: Holder | null },
  lease: Lease,
  call: Call,
): Promise<Outcome> => {
  const { row, checkout, record } = found;
  const notes = new Notes();
  const signal = AbortSignal.any([call.signal, lease.lost]);
  if (record !== null) await waitForIndex(found, notes, signal);
  const before = await recordState(checkout.gitDir);
  const at = new Date();
  const kept = await salvaged(tools, repository, found, { keep, at, notes, call, signal });
  fault("remove.salvaged");

  const entry = await begin(tools, repository, found, { work, kept, at, as });
  fault("remove.intended");
  try {
    if (row.claim !== null) (await tools.claims()).unmirror({ repository, row });
    await writeManifest(repository, entry);
    const step = moveOf(entry);
    if (step.aside !== null) call.progress(`Copying ${row.name} to the trash on another disk`, null);
    if (found.folder === "there") await copyAhead(step, signal);
    signal.throwIfAborted();
    await lease.guard();
    call.progress(`Removing ${row.name}`, null);
    await retireRecord(repository, entry);
    fault("remove.retired");
    // From here on it is not cut off any more: two renames, or the second half of a copy.
    if (found.folder === "there") await move(step, lease.lost);
    fault("remove.trashed");
  } catch (error) {
    // Another process that took the lease over finishes what it sees.
    if (!lease.lost.aborted) await takeBack(tools, repository, entry);
    throw error;
  }
  await hideDotGit(tools, entry);
  fault("remove.hidden");
  const latest = await again(tools, repository, entry, before, kept, call);
  const settled = await tools.store.trash.settle(entry.id, latest, lease);
  fault("remove.told");
  if (row.branch !== null) notes.add("branch/kept", `Branch ${row.branch} is kept.`);
  return { worktree: toWorktree(row), work, trash: toEntry(tools, settled), notes: notes.list };
};

const takeBack = async (tools: Tools, repository: Repository, entry: TrashRow): Promise<void> => {
  try {
    await finishTrash(tools, repository, entry, "back");
  } catch (error) {
    const { message } = ImiError.from(error);
    tools.log("warn", `Removing ${entry.worktree.name} stopped half way; the next look goes on with it: ${message}`);
  }
};

/** null only where there is nothing to read any more. */
const salvaged = async (
  tools: Tools,
  repository: Repository,
  { row, checkout, folder, record }: Found,
  how: {
    readonly keep: Keep;
    readonly at: Date;
    readonly notes: Notes;
    readonly call: Call;
    readonly signal: AbortSignal;
  },
): Promise<Salvage | null> => {
  const { keep, at, notes, call, signal } = how;
  if (record === null) return null;
  call.progress(`Salvaging ${row.name}`, null);
  if (folder === "gone")
    notes.add(
      "worktree/missing",
      "Its folder is gone; what git's record of it held is salvaged and kept in the trash.",
    );
  return keep(tools, repository, checkout, { signal, at });
};

const begin = async (
  tools: Tools,
  repository: Repository,
  { row, checkout, folder, record }: Found,
  {
    work,
    kept,
    at,
    as,
  }: { readonly work: Work; readonly kept: Salvage | null; readonly at: Date; readonly as: Holder | null },
): Promise<TrashRow> => {
  const id = uuidv7();
  const name = entryName(row, at, id);
  const place: Place =
    folder === "there"
      ? await placeFor(tools, repository, row.path, name)
      : { ...(await placeFor(tools, repository, repository.gitDir, name)), via: "rename" };
  const facts = folder === "there" ? lstatSync(row.path) : null;
  const entry: Parameters<typeof tools.store.trash.begin>[0] = {
    id,
    repositoryId: repository.id,
    worktree: { ...row, identity: { ...(row.identity ?? { device: "", inode: "" }), gitId: record?.gitId ?? "" } },
    place: place.folder,
    record: retiredRecord(repository, name),
    movement: {
      tree: await identityAt(row.path),
      record: record === null ? null : await identityAt(recordPath(repository, record.gitId)),
      aside: place.via === "copy" ? `${dirname(row.path)}/.${name}.aside` : null,
      mode: facts === null || (facts.mode & 0o200) !== 0 ? null : facts.mode & 0o7777,
    },
    work,
    salvage: checkout.gitDir === "" ? null : kept,
  };
  return tools.store.trash.begin(entry, as);
};

export const moveOf = (entry: TrashRow): Move => ({
  from: entry.worktree.path,
  to: treeOf(entry),
  aside: entry.movement.aside,
});

/** What git did in it between the salvage and the renames is salvaged from where it lies now. Its files are in the trash anyway. */
const again = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  before: string,
  kept: Salvage | null,
  call: Call,
): Promise<Salvage | null> => {
  if (kept === null || (await recordState(entry.record)) === before) return kept;
  const { worktree } = entry;
  const checkout: Checkout = {
    name: worktree.name,
    path: treeOf(entry),
    gitDir: entry.record,
    branch: worktree.branch,
    base: worktree.base,
  };
  try {
    const second = await salvage(tools, repository, checkout, { signal: call.signal, at: new Date() });
    await dropSalvage(tools, repository, kept);
    return second;
  } catch (error) {
    tools.log(
      "warn",
      `${worktree.name} changed while it was removed; salvaging it again: ${ImiError.from(error).message}`,
    );
    return kept;
  }
};
