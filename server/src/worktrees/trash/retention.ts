import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { TrashRow } from "../../store/index.ts";
import type { Call, Tools } from "../context.ts";
import { noteDay, wasSeenEnough } from "./seen-days.ts";

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

/** How long after a window opened, in ms: nobody's first seconds are spent on it. */
const firstAfterMs = 5 * 60 * 1000;

/**
 * Deletes what has been in the trash for longer than `trash_settings.keep_days`, by the clock and by the days on which this was
 * looked at, and the salvages of that age that keep nothing any more.
 */
export const emptyOverdue = async (tools: Tools, repository: Repository, call: Call): Promise<void> => {
  const days = tools.settings().trashKeepDays;
  if (days === 0) return;
  for (const row of await tools.store.trash.of(repository.id)) if (row.state === "kept") note(tools, row);
  const { emptyTrash } = await import("./empty.ts");
  const params = { olderThan: `${days}d`, dryRun: false, yes: true };
  const may = (row: TrashRow): boolean => row.state !== "kept" || wasSeenEnough(row, days);
  const { emptied, kept } = await emptyTrash(tools, repository, params, call, may);
  for (const { name } of emptied)
    tools.log("info", `${name} was in the trash for ${days} days and is deleted for good`);
  for (const { entry, reason } of kept)
    tools.log("warn", `${entry.name} stays in the trash after ${days} days: ${reason}`);
  const { dropOldSalvages } = await import("./old-salvages.ts");
  const dropped = (prefix: string): void =>
    tools.log("info", `${prefix} was made more than ${days} days ago, and other refs hold all of it: it is deleted`);
  await dropOldSalvages(tools, repository, { before: Date.now() - days * dayMs, dropped }, call);
};

/** Where it cannot be noted, it is not deleted either. */
const note = (tools: Tools, row: TrashRow): void => {
  try {
    noteDay(row);
  } catch (error) {
    tools.log("info", `that ${row.worktree.name} is in the trash could not be noted: ${ImiError.from(error).message}`);
  }
};

/**
 * Deletes in the background what has been in the trash for longer than `trash_settings.keep_days`; `imi trash list` names
 * it a week ahead. As always only what is salvaged. Then the salvages of that age go that keep nothing any more. Returns a function that stops it.
 */
export const keepRetention = (
  tools: Tools,
  repository: Repository,
  call: Call,
  failed: (error: unknown) => void,
): (() => void) => {
  const look = (): Promise<void> => emptyOverdue(tools, repository, call);
  let timer: NodeJS.Timeout;
  const plan = (afterMs: number): void => {
    timer = setTimeout(() => {
      void look()
        .catch(failed)
        .finally(() => {
          if (!call.signal.aborted) plan(6 * hourMs);
        });
    }, afterMs);
    timer.unref();
  };
  plan(firstAfterMs);
  return () => clearTimeout(timer);
};
