import { type Disposable, EventEmitter } from "vscode";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import type { DiskUse } from "../../../protocol/prune.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "./list.ts";

/** How long something that wants a size waits for it: a hover must not hang. */
const patienceMs = 200;

/** Before this the same worktree is not asked about again; the server itself measures less often still. */
const againAfterMs = 15_000;

/** What worktrees take on the disk, measured by the server when somebody asks; nobody waits for it. */
export class DiskUses implements Disposable {
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<readonly string[]>());
  readonly #known = new Map<string, DiskUse>();
  readonly #asked = new Map<string, { readonly at: number; readonly answer: Promise<void> }>();
  /** Ids whose use is known now or is another than before. */
  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, list: WorktreeList) {
    this.#connection = connection;
    this.#list = list;
  }

  /** What was measured last; undefined when nothing was. */
  known(id: string): DiskUse | undefined {
    return this.#known.get(id);
  }

  /** Asks for a measurement where the last one is not fresh. Resolves when it is there, at the latest after a moment. */
  async soon(worktree: Worktree): Promise<DiskUse | undefined> {
    this.ask([worktree]);
    const stop = new AbortController();
    const enough = delay(patienceMs, undefined, { signal: stop.signal }).catch(() => undefined);
    await Promise.race([this.#asked.get(worktree.id)?.answer, enough]);
    stop.abort();
    return this.known(worktree.id);
  }

  /** Has worktrees measured in the background. */
  ask(worktrees: readonly Worktree[]): void {
    if (this.#connection.state !== "running") return;
    const due = worktrees.filter(({ id, state }) => {
      const last = this.#asked.get(id);
      return state === "ready" && (last === undefined || performance.now() - last.at > againAfterMs);
    });
    for (const [, some] of Map.groupBy(due, ({ repository }) => repository)) {
      const answer = this.#measure(some);
      for (const { id } of some) this.#asked.set(id, { at: performance.now(), answer });
    }
  }

  dispose(): void {
    this.#scope.dispose();
  }

  async #measure(worktrees: readonly Worktree[]): Promise<void> {
    const [first] = worktrees;
    const repository = first === undefined ? undefined : this.#list.repositoryOf(first);
    if (repository === undefined) return;
    const params = { repository: pathIn(repository), names: worktrees.map(({ name }) => name) };
    try {
      const { worktrees: measured } = await this.#connection.request("worktree.disk-use", params);
      const different = measured.filter(({ id, use }) => use !== null && use.bytes !== this.#known.get(id)?.bytes);
      for (const { id, use } of measured) if (use !== null) this.#known.set(id, use);
      if (different.length > 0) this.#changed.fire(different.map(({ id }) => id));
    } catch (error) {
      this.#connection.log.info(`Disk use of ${params.names.join(", ")}: ${ImiError.from(error).message}`);
    }
  }
}
