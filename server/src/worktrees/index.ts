import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult, Note } from "../../../protocol/worktrees.ts";
import type { Holder, WorktreeRow } from "../store/index.ts";
import type { Call, Tools } from "./context.ts";
import { find, isPending, toWorktree } from "./entity.ts";
import type { Following } from "./follow.ts";
import { atItsHead, list, look } from "./list.ts";
import { open } from "./repositories.ts";

export type { Call, Tools } from "./context.ts";
export type { Following } from "./follow.ts";

/**
 * The room for worktrees: create, open, review, list, examine, remove, salvage, restore, prune, reconcile, shared config.
 * Each operation finds its repository from a path inside it. What a list does not need is loaded when it is first asked for.
 */
export class Worktrees {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  open(path: string, call: Call): Promise<Repository> {
    return open(this.#tools, path, call);
  }

  async create(path: string, params: ParsedOf<"worktree.create">, call: Call): Promise<ResultOf<"worktree.create">> {
    const { create } = await import("./create.ts");
    const repository = await this.open(path, call);
    if (params.agentId !== undefined) (await this.#tools.claims()).check(params.agentId); // refused before anything is made
    const made = await this.#claimed(repository, await create(this.#tools, repository, params, call), params.agentId);
    return made.created
      ? { ...made, notes: [...made.notes, ...(await this.#inTrash(repository, made.worktree.name))] }
      : made;
  }

  async review(path: string, params: ParsedOf<"worktree.review">, call: Call): Promise<ResultOf<"worktree.review">> {
    const { review } = await import("./review.ts");
    const repository = await this.open(path, call);
    if (params.agentId !== undefined) (await this.#tools.claims()).check(params.agentId);
    return this.#claimed(repository, await review(this.#tools, repository, params, call), params.agentId);
  }

  /** The worktree meant by a name: as it is registered, where its checkout is there; else after a look at git's records. */
  async locate(path: string, name: string, call: Call): Promise<{ repository: Repository; row: WorktreeRow }> {
    const repository = await this.open(path, call);
    const row = await this.#tools.store.worktrees.byName(repository.id, name);
    const { isCheckedOut } = await import("./place.ts");
    if (row?.state === "ready" && (await isCheckedOut(repository, row.path))) return { repository, row };
    return { repository, row: await this.#find(path, name, call) };
  }

  async list(path: string, params: ParsedOf<"worktree.list">, call: Call): Promise<ResultOf<"worktree.list">> {
    return { worktrees: await list(this.#tools, await this.open(path, call), params, call) };
  }

  async statuses(path: string, params: ParsedOf<"worktree.status">, call: Call): Promise<ResultOf<"worktree.status">> {
    const repository = await this.open(path, call);
    const asked = new Set(params.ids);
    const rows = (await this.#tools.store.worktrees.of(repository.id)).filter((row) => asked.has(row.id));
    const seen = [...(await look(this.#tools, repository, rows, call))];
    return {
      statuses: Object.fromEntries(seen.map(([id, { status }]) => [id, status])),
      live: Object.fromEntries(seen.flatMap(([id, { live }]) => (live === undefined ? [] : [[id, live]]))),
    };
  }

  async path(path: string, params: ParsedOf<"worktree.path">, call: Call): Promise<ResultOf<"worktree.path">> {
    const row = await this.#find(path, params.name, call);
    return { path: row.path };
  }

  async switch(path: string, params: ParsedOf<"worktree.switch">, call: Call): Promise<ResultOf<"worktree.switch">> {
    const row = await this.#find(path, params.name, call);
    const touched = await this.#tools.store.worktrees.touch(row.id);
    return { worktree: toWorktree(await atItsHead(this.#tools, await this.open(path, call), touched, call)) };
  }

  async work(path: string, params: ParsedOf<"worktree.work">, call: Call): Promise<ResultOf<"worktree.work">> {
    const { workOf } = await import("./work/operation.ts");
    const repository = await this.open(path, call);
    const row = (await this.#known(repository, params.name)) ?? (await this.#find(path, params.name, call));
    return workOf(this.#tools, repository, row, call);
  }

  async remove(
    path: string,
    params: ParsedOf<"worktree.remove">,
    call: Call,
    as: Holder | null,
  ): Promise<ResultOf<"worktree.remove">> {
    const { remove } = await import("./remove.ts");
    const repository = await this.open(path, call);
    // A worktree made elsewhere a moment ago is known by now.
    if ((await this.#known(repository, params.name)) === null) await this.#find(path, params.name, call);
    return remove(this.#tools, repository, params, call, as);
  }

  async restore(path: string, params: ParsedOf<"worktree.restore">, call: Call): Promise<ResultOf<"worktree.restore">> {
    const { restore } = await import("./trash/restore.ts");
    const repository = await this.open(path, call);
    await list(this.#tools, repository, { status: false }, call); // what is registered and gone must not stand in the way
    return restore(this.#tools, repository, params, call);
  }

  async salvage(path: string, params: ParsedOf<"worktree.salvage">, call: Call): Promise<ResultOf<"worktree.salvage">> {
    const { salvageWorktree } = await import("./salvage/operation.ts");
    // Without a name the worktree one is in: `find` takes a path, and any path inside it leads to it.
    return salvageWorktree(this.#tools, await this.open(path, call), params, path, call);
  }

  async salvages(path: string, call: Call): Promise<ResultOf<"salvage.list">> {
    const { listSalvages } = await import("./salvage/operation.ts");
    return listSalvages(this.#tools, await this.open(path, call), call);
  }

  async trash(path: string, call: Call): Promise<ResultOf<"trash.list">> {
    const { listTrash } = await import("./trash/list.ts");
    return listTrash(this.#tools, await this.open(path, call), call);
  }

  async trashed(path: string, params: ParsedOf<"trash.show">, call: Call): Promise<ResultOf<"trash.show">> {
    const { showTrash } = await import("./trash/list.ts");
    return showTrash(this.#tools, await this.open(path, call), params, call);
  }

  async empty(path: string, params: ParsedOf<"trash.empty">, call: Call): Promise<ResultOf<"trash.empty">> {
    const { emptyTrash } = await import("./trash/empty.ts");
    return emptyTrash(this.#tools, await this.open(path, call), params, call);
  }

  async prune(path: string, params: ParsedOf<"worktree.prune">, call: Call): Promise<ResultOf<"worktree.prune">> {
    const { prune } = await import("./prune.ts");
    return prune(this.#tools, await this.open(path, call), params, call);
  }

  async diskUse(
    path: string,
    params: ParsedOf<"worktree.disk-use">,
    call: Call,
  ): Promise<ResultOf<"worktree.disk-use">> {
    const { diskUse } = await import("./disk-use.ts");
    return diskUse(this.#tools, await this.open(path, call), params, call);
  }

  async reconcile(path: string, call: Call): Promise<ResultOf<"worktree.reconcile">> {
    const { reconcileRepository } = await import("./reconcile.ts");
    return reconcileRepository(this.#tools, await this.open(path, call), call, { lease: "free", copies: "taken" });
  }

  async sync(path: string, call: Call): Promise<ResultOf<"sync.apply">> {
    const { sync } = await import("./sync.ts");
    return sync(this.#tools, await this.open(path, call), call);
  }

  async init(path: string, call: Call): Promise<ResultOf<"repository.init">> {
    const { init } = await import("./repositories.ts");
    return init(this.#tools, path, call);
  }

  async clone(cwd: string, params: ParsedOf<"repository.clone">, call: Call): Promise<ResultOf<"repository.clone">> {
    const { cloneInto } = await import("./repositories.ts");
    return cloneInto(this.#tools, cwd, params, call);
  }

  /** Keeps a repository in step while the server runs. */
  async follow(repository: Repository): Promise<Following> {
    const { followRepository } = await import("./follow.ts");
    return followRepository(this.#tools, repository);
  }

  /** What was made or opened with the claim of the agent it is for; or with a word on who holds it. */
  async #claimed(repository: Repository, made: CreateResult, agentId: string | undefined): Promise<CreateResult> {
    const { worktree } = made;
    const row = await this.#tools.store.worktrees.byId(worktree.id);
    if (row === null || row.claim === null) return made;
    if (agentId === undefined) {
      const { agent, expiresAt } = row.claim;
      const message = `${agent} holds ${worktree.name} until ${expiresAt}: leave its files alone.`;
      return { ...made, notes: [...made.notes, { code: "claim/held", message }] };
    }
    const claim = await (await this.#tools.claims()).shown({ repository, row });
    const now = { ...worktree, agentId: row.agentId, claim: row.claim };
    return { ...made, worktree: now, ...(claim === null ? {} : { claim }) };
  }

  /** Whoever makes again what was removed with work in it may have meant to bring it back. */
  async #inTrash(repository: Repository, name: string): Promise<Note[]> {
    const entries = await this.#tools.store.trash.of(repository.id);
    const removed = entries.find(({ state, worktree }) => state === "kept" && worktree.name === name);
    if (removed === undefined || removed.work.answer === "clean") return [];
    const message = `A ${name} removed on ${removed.removedAt.slice(0, 10)} is in the trash with uncommitted work: imi restore ${name}`;
    return [{ code: "trash/has", message }];
  }

  /** A worktree by its very name where git's record and its folder say what is registered; else all of them are looked at. */
  async #known(repository: Repository, name: string): Promise<WorktreeRow | null> {
    const rows = await this.#tools.store.worktrees.of(repository.id);
    const row = rows.find((each) => each.name === name);
    // What somebody began is ended, and whose claim is over is said, by a look at all of them.
    if (row === undefined || row.claim !== null || rows.some(isPending)) return null;
    const [{ knownRecord }, { isCheckedOut }] = await Promise.all([import("./checkout.ts"), import("./place.ts")]);
    return knownRecord(repository, row) !== null && (await isCheckedOut(repository, row.path)) ? row : null;
  }

  async #find(path: string, name: string, call: Call) {
    const repository = await this.open(path, call);
    // Through `list`, so that what git's records say counts, not what the registry last heard.
    const listed = await list(this.#tools, repository, { status: false }, call);
    const rows = await this.#tools.store.worktrees.of(repository.id);
    return find(
      rows.filter((row) => listed.some((entry) => entry.id === row.id)),
      name,
    );
  }
}
