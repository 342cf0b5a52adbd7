import type { Workspace } from "../../workspace.ts";
import { completionLines, joinEquals, offer, type Candidate } from "./completion.ts";
import { allCommands, shells } from "./local-commands.ts";
import { absolutePath } from "./paths.ts";
import { print } from "./print.ts";

/** `imi __complete SHELL WORDS…`, for the completion scripts. It never fails and never complains. */
export const complete = async ([shellName, ...typed]: readonly string[]): Promise<number> => {
  const shell = shells.find((each) => each === shellName) ?? "bash";
  const words = shell === "bash" ? joinEquals(typed) : typed;
  const offered = offer(words, allCommands());
  try {
    switch (offered.kind) {
      case "directories":
        print("@directories");
        break;
      case "candidates": {
        // fish replaces the whole of --option=value.
        const prefix = shell === "fish" ? (/^--[^=]+=/u.exec(words.at(-1) ?? "")?.[0] ?? "") : "";
        for (const line of completionLines(offered.candidates)) print(prefix + line);
        break;
      }
      case "worktrees":
        for (const line of completionLines(await worktreeCandidates(offered.repository))) print(line);
        break;
    }
  } catch {
    // No repository here, or one that cannot be read: then there is nothing to offer.
  }
  return 0;
};

const worktreeCandidates = async (repository: string | null): Promise<readonly Candidate[]> => {
  const { openWorkspace } = await import("../../workspace.ts");
  const workspace: Workspace = await openWorkspace({ role: "cli", cwd: process.cwd(), env: process.env });
  try {
    const where = repository === null ? {} : { repository: absolutePath(repository) };
    const context = { signal: AbortSignal.timeout(2000), progress: () => undefined };
    const result = await workspace.call("worktree.list", { ...where, status: false }, context);
    // worktree.list answers { worktrees }.
    const { worktrees } = result as {
      readonly worktrees: readonly { readonly name: string; readonly branch: string | null }[];
    };
    return worktrees.map(({ name, branch }) => ({ value: name, summary: branch ?? "" }));
  } finally {
    await workspace.close();
  }
};
