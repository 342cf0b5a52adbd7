import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Git } from "../git/index.ts";

export interface Call {
  readonly signal: AbortSignal;
  readonly progress: (message: string, fraction: number | null) => void;
}

/** A registered worktree, with the repository it is of. */
export interface Found {
  readonly repository: Repository;
  readonly row: Pick<Worktree, "id" | "name" | "path" | "branch" | "base">;
}

export interface Tools {
  readonly git: Git;
  readonly settings: () => Pick<Settings, "remoteName" | "defaultBranch">;
  readonly open: (path: string, call: Call) => Promise<Repository>;
  /** The worktree meant by a name, from any path inside its repository. */
  readonly locate: (path: string, name: string, call: Call) => Promise<Found>;
}

/** What a worktree or a commit changed, and the versions of files it did that to. Nothing is changed by it. */
export class Changes {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async ofWorktree(
    path: string,
    params: ParsedOf<"worktree.changes">,
    call: Call,
  ): Promise<ResultOf<"worktree.changes">> {
    const { worktreeChanges } = await import("./of-worktree.ts");
    const found = await this.#tools.locate(path, params.name, call);
    const other = params.other === undefined ? null : await this.#tools.locate(path, params.other, call);
    return worktreeChanges(this.#tools, found, other, params, call);
  }

  async ofCommit(path: string, params: ParsedOf<"commit.changes">, call: Call): Promise<ResultOf<"commit.changes">> {
    const { commitChanges } = await import("./of-commit.ts");
    return commitChanges(this.#tools, await this.#tools.open(path, call), params, call);
  }

  async read(path: string, params: ParsedOf<"file.read">, call: Call): Promise<ResultOf<"file.read">> {
    const { readVersion } = await import("./read.ts");
    return readVersion(this.#tools, await this.#tools.open(path, call), params, call);
  }
}
