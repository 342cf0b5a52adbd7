import { type Disposable, EventEmitter, type Memento } from "vscode";
import type { Claim } from "../../../protocol/claims.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { Disposables } from "../disposables.ts";
import { type Holding, type Kept, holdingOf } from "./holding.ts";

const claimsKey = "imi.claims";
const agentKey = "imi.agentId";

/**
 * The claims this user took in VS Code, with the tokens by which they are renewed and released, and the name he took the
 * last one under. Shared by the user's windows, so that a worktree that is claimed in one window and then opened in its
 * place, or in another, is still his. A token is no secret: it stands in the event log.
 */
export class KeptClaims implements Disposable {
  readonly #state: Memento;
  readonly #window: string;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<string>());

  /** The id of the worktree whose claim is kept, or is no more. */
  readonly onDidChange = this.#changed.event;

  /** `window` names this window's workspace, the same after a reload. */
  constructor(state: Memento, window: string) {
    this.#state = state;
    this.#window = window;
  }

  /** The name of the last claim. */
  get lastAgent(): string | undefined {
    return this.#state.get<string>(agentKey);
  }

  get(worktree: string): Kept | undefined {
    return this.#all[worktree];
  }

  /** Those that this window took, or that `open` says are open in it: it is this window that renews them. */
  ofWindow(open: ReadonlySet<string>): ReadonlyMap<string, Kept> {
    const found = Object.entries(this.#all).filter(([id, { window }]) => window === this.#window || open.has(id));
    return new Map(found);
  }

  holding(worktree: Worktree, now = Date.now()): Holding {
    return holdingOf(worktree.claim, this.get(worktree.id), now);
  }

  /** What an operation in the holder's name needs; nothing where this user holds no claim. */
  credentials(worktree: Worktree): { readonly agent: string; readonly token: number } | Record<never, never> {
    const kept = this.get(worktree.id);
    if (kept === undefined || this.holding(worktree).by !== "me") return {};
    return { agent: kept.agent, token: kept.token };
  }

  async keep(worktree: Worktree, repository: string, { agent, token, since }: Claim): Promise<void> {
    const kept: Kept = { agent, token, since, repository, worktree: worktree.name, window: this.#window };
    await this.#state.update(agentKey, agent);
    await this.#put({ ...this.#all, [worktree.id]: kept }, worktree.id);
  }

  /** For a release that did not come to pass. */
  async restore(id: string, kept: Kept): Promise<void> {
    await this.#put({ ...this.#all, [id]: kept }, id);
  }

  async forget(id: string): Promise<void> {
    const { [id]: gone, ...others } = this.#all;
    if (gone !== undefined) await this.#put(others, id);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  get #all(): Readonly<Record<string, Kept>> {
    return this.#state.get<Readonly<Record<string, Kept>>>(claimsKey, {});
  }

  async #put(all: Readonly<Record<string, Kept>>, changed: string): Promise<void> {
    await this.#state.update(claimsKey, all);
    this.#changed.fire(changed);
  }
}
