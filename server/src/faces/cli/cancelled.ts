import type { OperationName } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";

/** What became of an operation that was cancelled, where its room does not say it better: each takes back what it began. */
const remains: Partial<Record<OperationName, string>> = {
  "worktree.create": "No worktree was made.",
  "worktree.review": "No worktree was made, and none was changed.",
  "worktree.remove": "Nothing was removed.",
  "worktree.prune": "Nothing was removed.",
  "worktree.restore": "It is still in the trash.",
  "worktree.salvage": "The worktree is as it was.",
  "worktree.reconcile": "What was settled so far stays; run it again for the rest.",
  "sync.apply": "What was linked so far stays; run it again for the rest.",
  "trash.empty": "What was deleted so far is gone; `imi trash list` shows what is still there.",
};

/** A cancellation that says what was undone or kept; any other error as it is. */
export const toldOf = (error: unknown, operation: string): ImiError => {
  const problem = ImiError.from(error);
  if (problem.code !== "operation/cancelled" || problem.hint !== null) return problem;
  const hint = Object.hasOwn(remains, operation) ? remains[operation as OperationName] : undefined;
  return new ImiError("operation/cancelled", "Cancelled.", { ...(hint === undefined ? {} : { hint }), cause: error });
};
