import { setTimeout as delay } from "node:timers/promises";
import type { ParsedOf, ResultOf } from "../../../../protocol/contract.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Note } from "../../../../protocol/worktrees.ts";
import { measure } from "../disk-use.ts";
import { mutationLease } from "../context.ts";
import type { Call, Tools } from "../context.ts";
import type { TrashRow } from "../../store/index.ts";
import { findEntry, toEntry } from "./entry.ts";
import { settleTrash } from "./settle.ts";

/** Removed worktrees, newest first; what was interrupted or is not registered is settled before, where nobody is at work. */
export const listTrash = async (tools: Tools, repository: Repository, call: Call): Promise<ResultOf<"trash.list">> => {
  const rows = await measured(tools, await lookAtTrash(tools, repository), call);
  const bytes = rows.reduce((sum, row) => sum + (row.bytes ?? 0), 0);
  return { entries: rows.map((row) => toEntry(tools, row)), bytes, warnings: warningsOf(tools, rows, bytes) };
};

export const showTrash = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"trash.show">,
  call: Call,
): Promise<ResultOf<"trash.show">> => {
  const found = findEntry(await lookAtTrash(tools, repository), params.name);
  const [entry = found] = await measured(tools, [found], call);
  return { entry: toEntry(tools, entry), work: entry.work, salvage: entry.salvage };
};

const lookAtTrash = async (tools: Tools, repository: Repository): Promise<TrashRow[]> => {
  if (!tools.restricted()) await settleUnlessBusy(tools, repository);
  return tools.store.trash.of(repository.id);
};

const settleUnlessBusy = async (tools: Tools, repository: Repository): Promise<void> => {
  const lease = await tools.store.leases.tryTake(mutationLease(repository), "look at the trash").catch(() => null);
  if (lease === null) return; // somebody is at work, or the registry can only be read
  try {
    await settleTrash(tools, repository);
  } finally {
    await lease.release();
  }
};

/** How long an answer waits for sizes, in ms. What takes longer is measured behind it, and told by trash.changed. */
const measuringMs = 200;

/** Measured once: nothing in the trash changes. */
const measured = async (tools: Tools, rows: readonly TrashRow[], call: Call): Promise<TrashRow[]> => {
  const waiting = rows.filter(({ bytes, state }) => bytes === null && state === "kept");
  if (waiting.length === 0) return [...rows];
  const sizes = new Map<string, number>();
  const answered = new AbortController();
  const signal = AbortSignal.any([call.signal, answered.signal]);
  const measureAll = async (): Promise<void> => {
    for (const { id, place } of waiting) {
      const { bytes } = await measure(place, signal);
      sizes.set(id, bytes);
      await tools.store.trash.measured(id, bytes);
    }
  };
  // A registry that is only read, or one that was closed after the answer: the size is measured again another time.
  await Promise.race([measureAll().catch(() => undefined), delay(measuringMs, undefined, { ref: false })]);
  if (tools.live === undefined) answered.abort(); // a command line ends with its answer
  return rows.map((row) => ({ ...row, bytes: row.bytes ?? sizes.get(row.id) ?? null }));
};

const dayMs = 24 * 60 * 60 * 1000;
/** Told so many days before retention deletes an entry. */
const warnDays = 7;

const warningsOf = (tools: Tools, rows: readonly TrashRow[], bytes: number): Note[] => {
  const { trashKeepDays: days, trashMaxGigabytes: most } = tools.settings();
  const notes: Note[] = [];
  if (days > 0) {
    const soon = rows.filter(
      ({ removedAt }) => Date.now() - Date.parse(removedAt) > (days - Math.min(warnDays, days / 2)) * dayMs,
    );
    if (soon.length > 0) {
      notes.push({
        code: "trash/soon",
        message: `${soon.map(({ worktree }) => worktree.name).join(", ")}: deleted for good after ${days} days in the trash. To keep: imi restore NAME, or trash_settings.keep_days = 0`,
      });
    }
  }
  if (most > 0 && bytes > most * 1e9) {
    notes.push({
      code: "trash/large",
      message: `The trash holds ${(bytes / 1e9).toFixed(1)} GB, more than ${most} GB. To make room: imi trash empty --older-than 7d`,
    });
  }
  return notes;
};
