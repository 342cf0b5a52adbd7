import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Tools } from "../context.ts";
import { hideDotGit } from "./dot-git.ts";
import { finishTrash } from "./finish.ts";
import { adoptTrash, sweepDraft } from "./place.ts";

/**
 * Makes the registry say what lies in the trash. Under the repository's lease nobody else is at work there: what is not
 * `kept` was left by a process that is dead and is ended, and what is not registered is adopted.
 */
export const settleTrash = async (tools: Tools, repository: Repository): Promise<void> => {
  for (const entry of await tools.store.trash.of(repository.id)) {
    if (entry.state === "kept") continue;
    try {
      await finishTrash(tools, repository, entry, "on");
    } catch (error) {
      // What is in the way of one must not keep the others from being seen; it is tried again.
      tools.log("warn", `${entry.worktree.name} was interrupted while ${entry.state}: ${ImiError.from(error).message}`);
    }
  }
  await adoptTrash(tools, repository);
  // What was found, could not be hidden, or was removed by an iMi that did not hide it.
  for (const entry of await tools.store.trash.of(repository.id)) {
    if (entry.state !== "kept") continue;
    await hideDotGit(tools, entry);
    // An entry in a folder that may not be written is in the trash all the same.
    await sweepDraft(entry).catch(() => undefined);
  }
};
