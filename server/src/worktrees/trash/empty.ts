import type { ParsedOf, ResultOf } from "../../../../protocol/contract.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { fault } from "../../faults.ts";
import type { Lease, TrashRow } from "../../store/index.ts";
import type { Checkout } from "../checkout.ts";
import type { Call, Tools } from "../context.ts";
import { measure } from "../disk-use.ts";
import { isSalvaged, salvage } from "../salvage/index.ts";
import { underLease } from "../under-lease.ts";
import { findEntry, toEntry } from "./entry.ts";
import { isThere } from "./files.ts";
import { deleteEntry } from "./finish.ts";
import { refuseMounts } from "./mounts.ts";
import { treeOf } from "./place.ts";
import { settleTrash } from "./settle.ts";

type Outcome = ResultOf<"trash.empty">;

/**
 * Deletes removed worktrees for good, the only thing iMi ever deletes. Before that it looks whether all of one's work is in
 * refs, and puts there what is not; what cannot be kept so stays in the trash. Ignored files go with it. Of those that `params`
 * name only what `may` go.
 */
export const emptyTrash = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"trash.empty">,
  call: Call,
  may: (row: TrashRow) => boolean = () => true,
): Promise<Outcome> => {
  const olderThan = params.olderThan === undefined ? null : durationOf(params.olderThan);
  if (!params.yes && !params.dryRun) {
    throw new ImiError(
      "usage/invalid",
      "Emptying the trash deletes ignored files for good, so it has to be confirmed.",
      {
        hint: "Add --yes, or --dry-run to see what would be deleted.",
      },
    );
  }
  return underLease(tools, repository, "empty the trash", call, async (lease) => {
    await settleTrash(tools, repository);
    const rows = await tools.store.trash.of(repository.id);
    const asked = params.name === undefined ? rows : [findEntry(rows, params.name)];
    // Without an age all of them, also what was removed while the clock was ahead.
    const isOld = ({ removedAt }: TrashRow): boolean =>
      olderThan === null || Date.now() - Date.parse(removedAt) >= olderThan;
    const old = asked.filter((row) => isOld(row) && may(row));
    const outcome: Outcome = { emptied: [], kept: [], bytes: 0 };
    for (const [index, row] of old.entries()) {
      call.signal.throwIfAborted();
      call.progress(`Emptying ${row.worktree.name}`, index / old.length);
      const bytes = row.bytes ?? (await measure(row.place, call.signal)).bytes;
      const sized = { ...row, bytes };
      const { reason, salvage: kept } = params.dryRun
        ? wouldGo(row)
        : await emptyOne(tools, repository, row, lease, call);
      if (reason !== null) {
        outcome.kept.push({ entry: toEntry(tools, sized), reason });
        continue;
      }
      outcome.emptied.push(toEntry(tools, { ...sized, salvage: kept }));
      outcome.bytes += bytes;
    }
    return outcome;
  });
};

const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `30d` in ms. */
const durationOf = (text: string): number => {
  const found = /^(\d{1,6})\s*([mhdw])$/u.exec(text.trim());
  const unit = found?.[2] as keyof typeof units | undefined;
  if (found?.[1] === undefined || unit === undefined) {
    throw new ImiError("usage/invalid", `"${text}" is no age.`, {
      hint: "Write a number and m, h, d or w, such as 30d or 12h.",
    });
  }
  return Number(found[1]) * units[unit];
};

/** Deleted (null) or why it stays, and the salvage that holds its work. */
interface Emptied {
  readonly reason: string | null;
  readonly salvage: Salvage | null;
}

const wouldGo = ({ salvage }: TrashRow): Emptied => ({ reason: null, salvage });
const stays = (row: TrashRow, reason: string): Emptied => ({ reason, salvage: row.salvage });

const emptyOne = async (
  tools: Tools,
  repository: Repository,
  row: TrashRow,
  lease: Lease,
  call: Call,
): Promise<Emptied> => {
  if (row.state === "emptying") return stays(row, "not all of it could be deleted; `imi doctor` and the log say why");
  if (row.state !== "kept") return stays(row, `it is ${row.state}`);
  let kept: Salvage | null;
  try {
    await refuseMounts(row.place);
    kept = await inSafety(tools, repository, row, call);
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled")) throw error;
    return stays(row, ImiError.from(error).message);
  }
  fault("empty.salvaged");
  await tools.store.trash.beginEmpty(row.id, kept, lease);
  fault("empty.intended");
  fault("empty.deleting");
  try {
    await deleteEntry(tools, row);
  } catch (error) {
    return stays(row, ImiError.from(error).message); // what is left of it is tried again whenever somebody looks
  }
  fault("empty.deleted");
  return { reason: null, salvage: kept };
};

/** A salvage that holds all there is. Raises salvage/failed. */
const inSafety = async (tools: Tools, repository: Repository, row: TrashRow, call: Call): Promise<Salvage | null> => {
  const hasTree = row.movement.tree !== null && (await isThere(treeOf(row)));
  const hasRecord = row.movement.record !== null && (await isThere(row.record));
  if (!hasTree && !hasRecord) return row.salvage; // deleted by hand: there is nothing more to keep
  if (!hasRecord) throw new ImiError("salvage/failed", "git's record of it is gone, so what it held cannot be told");
  const { worktree } = row;
  const checkout: Checkout = {
    name: worktree.name,
    path: treeOf(row),
    gitDir: row.record,
    branch: worktree.branch,
    base: worktree.base,
  };
  if (row.salvage !== null && (await isSalvaged(tools, repository, checkout, row.salvage, call.signal)))
    return row.salvage;
  return salvage(tools, repository, checkout, { signal: call.signal, at: new Date(), before: "deletion" });
};
