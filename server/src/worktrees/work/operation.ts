import type { ResultOf } from "../../../../protocol/contract.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { WorktreeRow } from "../../store/index.ts";
import type { Call, Tools } from "../context.ts";
import { checkoutOf, knownRecord, recordOf } from "../checkout.ts";
import { examine } from "./index.ts";

/** The answer to "what would be lost?", as `worktree.work` gives it. */
export const workOf = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  call: Call,
): Promise<ResultOf<"worktree.work">> => {
  const isMain = row.path === repository.trunk;
  const record = isMain ? null : (knownRecord(repository, row) ?? (await recordOf(repository, row)));
  if (record === null && !isMain) {
    return { work: { answer: "unknown", reason: "git has no record of it", items: [], merged: null } };
  }
  const checkout = checkoutOf(repository, row, record?.gitId ?? "");
  return { work: await examine(tools, repository, checkout, { signal: call.signal, depth: "full" }) };
};
