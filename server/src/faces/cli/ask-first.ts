import type { ResultOf } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { confirm } from "./ask.ts";
import type { Paint } from "./colour.ts";
import { plural, size } from "./render/amounts.ts";
import { holding } from "./render/remove.ts";
import { entryTable } from "./render/trash.ts";
import { exposed, inWords, workLines } from "./render/work.ts";
import { printable } from "./text.ts";

export type Params = Readonly<Record<string, unknown>>;

/** What a question needs: the operation itself, others that tell more of what is asked about, and the terminal it is asked on (stderr: stdout is the answer's). */
export interface Asking {
  readonly call: (params: Params) => Promise<unknown>;
  readonly other: (operation: string, params: Params) => Promise<unknown>;
  readonly show: (line: string) => void;
  readonly paint: Paint;
  readonly signal: AbortSignal;
}

/**
 * Operations that somebody at a terminal is asked about: what they would do is shown, and only a yes does it. Each
 * answers as the operation does.
 */
export const questions: Readonly<Record<string, (params: Params, asking: Asking) => Promise<unknown>>> = {
  "worktree.remove": async (params, { call, show, paint, signal }) => {
    // An operation answers with its own result.
    const found = (await call({ ...params, dryRun: true })) as ResultOf<"worktree.remove">;
    const { worktree, work } = found;
    const name = printable(worktree.name);
    let question = `Remove ${name} at ${printable(worktree.path)}?`;
    if (work.answer !== "clean") {
      for (const line of [holding(found), ...workLines(work, "some", { paint })]) show(line);
      const holds = inWords(exposed(work));
      question = `${holds === "" ? "" : `${name} holds ${holds}. `}Salvage and remove?`;
    }
    if (!(await confirm(question, signal))) throw new ImiError("operation/cancelled", "Nothing was removed.");
    return call({ ...params, yes: true });
  },

  "claim.take-over": async (params, { call, signal }) => {
    const { from } = (await call({ ...params, dryRun: true })) as ResultOf<"claim.take-over">;
    if (from === null) return call(params);
    const { agent, since } = from;
    const question = `${printable(agent)} holds it since ${since}. Take it away? What it does there from then on is refused.`;
    if (!(await confirm(question, signal))) throw new ImiError("operation/cancelled", "Nothing was taken.");
    return call({ ...params, from: agent, yes: true });
  },

  "trash.empty": async (params, { call, other, show, paint, signal }) => {
    // Listing measures what has not been measured yet.
    const { repository } = params;
    await other("trash.list", repository === undefined ? {} : { repository });
    const found = (await call({ ...params, dryRun: true })) as ResultOf<"trash.empty">;
    if (found.emptied.length === 0) return found;
    for (const line of entryTable(found.emptied, { paint, now: new Date() })) show(line);
    for (const { entry, reason } of found.kept) show(`${printable(entry.name)} stays: ${printable(reason)}`);
    const what = `${plural(found.emptied.length, "worktree")} for good, ${size(found.bytes)}`;
    const question = `Delete ${what}? What was salvaged stays in refs, ignored files do not.`;
    if (!(await confirm(question, signal))) throw new ImiError("operation/cancelled", "Nothing was deleted.");
    return deleteShown(found, params, call);
  },
};

/** Deletes what was shown and nothing else: while somebody thinks, another worktree may come into the trash. */
const deleteShown = async (
  found: ResultOf<"trash.empty">,
  params: Params,
  call: Asking["call"],
): Promise<ResultOf<"trash.empty">> => {
  const { olderThan: _, ...rest } = params;
  let sum: ResultOf<"trash.empty"> = { emptied: [], kept: found.kept, bytes: 0 };
  for (const { id } of found.emptied) {
    try {
      const done = (await call({ ...rest, name: id, yes: true })) as ResultOf<"trash.empty">;
      const { emptied, kept, bytes } = sum;
      sum = {
        emptied: [...emptied, ...done.emptied],
        kept: [...kept, ...done.kept],
        bytes: bytes + done.bytes,
      };
    } catch (error) {
      // Restored or deleted by somebody else meanwhile.
      if (!ImiError.is(error, "trash/not-found")) throw error;
    }
  }
  return sum;
};
