import type { ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Call, Tools } from "./context.ts";
import { sharedConfigOf } from "./furnish.ts";
import { applySharedConfig } from "./shared-config/index.ts";

/** Links the files of sync/ into every worktree that is there, and verifies those that are linked already. */
export const sync = async (tools: Tools, repository: Repository, call: Call): Promise<ResultOf<"sync.apply">> => {
  if (!tools.settings().syncEnabled) {
    throw new ImiError("config/invalid", "Shared config is switched off.", {
      hint: "Set sync_settings.enabled = true.",
    });
  }
  const rows = (await tools.store.worktrees.of(repository.id)).filter((row) => row.state === "ready");
  const { verified, actions } = await applySharedConfig(sharedConfigOf(tools, repository), rows, call.signal);
  if (actions.some(({ action }) => action !== "skipped")) {
    await tools.store.events.append({
      name: "sync.applied",
      repositoryId: repository.id,
      subject: repository.id,
      data: { worktrees: rows.length, actions: actions.slice(0, 100) },
    });
  }
  return { worktrees: rows.length, verified, actions };
};
