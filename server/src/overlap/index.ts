import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Call, Found, Tools as ChangesTools } from "../changes/index.ts";
import type { OverlapMemory, Recall } from "./memory.ts";

export type { Call, Found };

/** What comparing worktrees takes, and what they are compared among. */
export interface Tools extends ChangesTools {
  readonly list: (path: string, call: Call) => Promise<readonly Worktree[]>;
  /** Of a process that keeps running. */
  readonly recall?: (repository: Repository, ...paths: Parameters<Recall>) => ReturnType<Recall>;
}

/** Where worktrees get in each other's way, told before anybody merges (issue "Monitoring"). Nothing is changed by it. */
export class Overlaps {
  readonly #tools: Tools;
  readonly #memories = new Map<string, OverlapMemory>();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async check(
    path: string,
    params: ParsedOf<"overlap.merge-check">,
    call: Call,
  ): Promise<ResultOf<"overlap.merge-check">> {
    const { checkMerge } = await import("./check.ts");
    const a = await this.#tools.locate(path, params.a, call);
    const b = params.b === undefined ? null : await this.#tools.locate(path, params.b, call);
    return checkMerge(this.#tools, a, b, params, call);
  }

  async list(path: string, params: ParsedOf<"overlap.list">, call: Call): Promise<ResultOf<"overlap.list">> {
    const { listOverlaps } = await import("./list.ts");
    const repository = await this.#tools.open(path, call);
    const worktrees = await this.#tools.list(path, call);
    const named = await Promise.all(
      (params.names ?? []).map(async (name) => (await this.#tools.locate(path, name, call)).row.name),
    );
    const only = named.length === 0 ? null : new Set(named);
    const among = { repository, worktrees, only, memory: await this.#memoryOf(repository) };
    return listOverlaps(this.#tools, among, params, call);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#memories.values()].map((memory) => memory.close()));
  }

  async #memoryOf(repository: Repository): Promise<OverlapMemory | null> {
    const { recall } = this.#tools;
    if (recall === undefined) return null;
    const { OverlapMemory: Memory } = await import("./memory.ts");
    const known = this.#memories.get(repository.id) ?? new Memory((paths) => recall(repository, paths));
    this.#memories.set(repository.id, known);
    return known;
  }
}
