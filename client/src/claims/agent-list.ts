import { type Disposable, EventEmitter } from "vscode";
import type { Agent } from "../../../protocol/claims.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";

/**
 * The agents that are known here, the latest seen first. Read when somebody looks, and from then on again when the event
 * log says that one of them did something; while nobody looks nothing is read.
 */
export class AgentList implements Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  #agents: readonly Agent[] = [];
  #failure: ImiError | null = null;
  #stale = true;
  #reading: Promise<void> | null = null;
  #watched: () => boolean = () => false;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection) {
    this.#connection = connection;
    setContext("imi.agents", "reading");
    this.#scope.add(connection.onEvents((events) => events.some(concernsAgents) && this.#outdate()));
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // Events may have been missed while there was no server.
        if (state === "running") this.#outdate();
      }),
    );
  }

  get all(): readonly Agent[] {
    return this.#agents;
  }

  get failure(): ImiError | null {
    return this.#failure;
  }

  /** Resolves when what is being read now has been read. */
  get settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  /** Says who looks; call again when the answer changed. */
  watch(visible: () => boolean): void {
    this.#watched = visible;
    this.#readStale();
  }

  /** Reads again what somebody looks at. Never throws: ask `failure`. */
  async refresh(): Promise<void> {
    this.#outdate();
    await this.settled;
  }

  /** Reads now, watched or not. Throws when they could not be read. */
  async fresh(): Promise<readonly Agent[]> {
    await this.#read();
    if (this.#failure !== null) throw this.#failure;
    return this.#agents;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #outdate(): void {
    this.#stale = true;
    this.#readStale();
  }

  #readStale(): void {
    if (this.#stale && this.#watched() && this.#connection.state === "running") void this.#read();
  }

  #read(): Promise<void> {
    this.#stale = true;
    this.#reading ??= this.#readUntilFresh().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readUntilFresh(): Promise<void> {
    while (this.#stale) {
      // Before asking: what happens while the server looks makes it stale again.
      this.#stale = false;
      try {
        this.#agents = (await this.#connection.request("agent.list", {})).agents;
        this.#failure = null;
      } catch (error) {
        this.#failure = ImiError.from(error);
        if (this.#failure.code === "server/stopped") this.#stale = true;
        else this.#connection.log.error(`Listing the agents failed: ${this.#failure.message}`);
      }
      if (this.#agents.length > 0) setContext("imi.agents", "listed");
      else setContext("imi.agents", this.#failure === null ? "empty" : "failed");
      this.#changed.fire();
      if (this.#failure !== null) return;
    }
  }
}

const concerning: ReadonlySet<EventName> = new Set([
  ...(["agent.changed", "worktree.claimed", "worktree.claim-renewed", "worktree.released"] as const),
  ...(["worktree.created", "worktree.removed", "worktree.restored"] as const),
]);

function concernsAgents({ name }: Event): boolean {
  return concerning.has(name);
}
