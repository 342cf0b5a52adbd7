import { type Disposable, EventEmitter } from "vscode";
import type { Agent } from "../../../protocol/claims.ts";
import type { EventName } from "../../../protocol/events.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { Rereading } from "../rereading/rereading.ts";

/** The agents that are known here, the latest seen first. */
export class AgentList implements Disposable {
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  #agents: readonly Agent[] = [];
  readonly reading: Rereading;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection) {
    setContext("imi.agents", "reading");
    this.reading = this.#scope.add(
      new Rereading(connection, {
        doing: "Listing the agents",
        concerns: ({ name }) => concerning.has(name),
        read: async () => {
          this.#agents = (await connection.request("agent.list", {})).agents;
        },
        onRead: () => this.#publish(),
      }),
    );
  }

  get all(): readonly Agent[] {
    return this.#agents;
  }

  /** Reads now, watched or not. Throws when they could not be read. */
  async fresh(): Promise<readonly Agent[]> {
    await this.reading.renew();
    const { failure } = this.reading;
    if (failure !== null) throw failure;
    return this.#agents;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #publish(): void {
    if (this.#agents.length > 0) setContext("imi.agents", "listed");
    else setContext("imi.agents", this.reading.failure === null ? "empty" : "failed");
    this.#changed.fire();
  }
}

/** Who is there, and what each of them holds, is another after these. */
const concerning: ReadonlySet<EventName> = new Set([
  ...(["agent.changed", "worktree.claimed", "worktree.claim-renewed", "worktree.released"] as const),
  ...(["worktree.created", "worktree.removed", "worktree.restored"] as const),
]);
