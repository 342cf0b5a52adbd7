import type { Workspace } from "../../workspace.ts";
import { ageOf } from "./age.ts";
import { completionLines, joinEquals, offer, type Candidate } from "./completion.ts";
import { allCommands, shells } from "./local-commands.ts";
import { absolutePath, workingDirectory } from "./paths.ts";
import { print } from "./print.ts";

/** `imi __complete SHELL WORDS…`, for the completion scripts. It never fails and never complains. */
export const complete = async ([shellName, ...typed]: readonly string[]): Promise<number> => {
  const shell = shells.find((each) => each === shellName) ?? "bash";
  const words = shell === "bash" ? joinEquals(typed) : typed;
  const offered = offer(words, allCommands());
  // fish replaces the whole of --option=value.
  const prefix = shell === "fish" ? (/^--[^=]+=/u.exec(words.at(-1) ?? "")?.[0] ?? "") : "";
  try {
    switch (offered.kind) {
      case "directories":
      case "files":
        print(`@${offered.kind}`);
        break;
      case "candidates":
        for (const line of completionLines(offered.candidates)) print(prefix + line);
        break;
      case "worktrees":
      case "removable":
      case "trash":
      case "remotes":
      case "agents": {
        const found = await asking(offered.repository, namesOf[offered.kind]);
        for (const line of completionLines(found)) print(prefix + line);
        break;
      }
    }
  } catch {
    // No repository here, or one that cannot be read: then there is nothing to offer.
  }
  return 0;
};

/** Calls a reading operation of the repository that is meant. */
type Ask = (operation: string, params?: Readonly<Record<string, unknown>>) => Promise<unknown>;

const asking = async <T>(repository: string | null, question: (ask: Ask) => Promise<T>): Promise<T> => {
  const { openWorkspace } = await import("../../workspace.ts");
  const workspace: Workspace = await openWorkspace({ role: "cli", cwd: workingDirectory(), env: process.env });
  const where = repository === null ? {} : { repository: absolutePath(repository) };
  const context = { signal: AbortSignal.timeout(2000), progress: () => undefined };
  try {
    return await question((operation, params = {}) => workspace.call(operation, { ...where, ...params }, context));
  } finally {
    await workspace.close();
  }
};

interface Listed {
  readonly name: string;
  readonly type: string;
  readonly path: string;
  readonly branch: string | null;
}

const listed = async (ask: Ask): Promise<readonly Listed[]> => {
  // worktree.list answers { worktrees }.
  const { worktrees } = (await ask("worktree.list", { status: false })) as { readonly worktrees: readonly Listed[] };
  return worktrees;
};

const named = ({ name, branch }: Listed): Candidate => ({ value: name, summary: branch ?? "" });

const namesOf = {
  worktrees: async (ask: Ask): Promise<Candidate[]> => (await listed(ask)).map(named),

  removable: async (ask: Ask): Promise<Candidate[]> =>
    (await listed(ask)).filter(({ type }) => type !== "trunk").map(named),

  trash: async (ask: Ask): Promise<Candidate[]> => {
    // trash.list answers { entries }, the newest first.
    const { entries } = (await ask("trash.list")) as {
      readonly entries: readonly { readonly id: string; readonly name: string; readonly removedAt: string }[];
    };
    const seen = new Set<string>();
    return entries.map(({ id, name, removedAt }) => {
      const removed = `removed ${ageOf(removedAt, new Date())}`;
      // A name stands for the newest of that name; the others are called by their id.
      const older = seen.has(name);
      seen.add(name);
      return older ? { value: id, summary: `${name}, ${removed}` } : { value: name, summary: removed };
    });
  },

  agents: async (ask: Ask): Promise<Candidate[]> => {
    // agent.list answers { agents }, the latest seen first.
    const { agents } = (await ask("agent.list")) as { readonly agents: readonly { id: string; kind: string }[] };
    return agents.map(({ id, kind }) => ({ value: id, summary: kind }));
  },

  remotes: async (ask: Ask): Promise<Candidate[]> => {
    const [first] = await listed(ask);
    if (first === undefined) return [];
    const { Git } = await import("../../git/index.ts");
    const git = new Git({ log: () => undefined });
    const { stdout } = await git.run(first.path, ["remote"], { access: "read", timeoutMs: 2000 });
    return stdout.split("\n").flatMap((value) => (value === "" ? [] : [{ value, summary: "" }]));
  },
};
