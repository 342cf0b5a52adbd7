import type { Event, EventName } from "../../../../protocol/events.ts";
import { eventsUri, worktreesUri } from "./resources.ts";

/** Events after which another list of worktrees is there. */
const listChanging: ReadonlySet<EventName> = new Set([
  "worktree.created",
  "worktree.adopted",
  "worktree.removed",
  "worktree.restored",
]);

/** What the log's growth means to a client: each resource it asked about at most once, whatever number of events came. */
export class Subscriptions {
  /** Address, and the worktree it is about. */
  readonly #subjects = new Map<string, string | null>();

  add(uri: string, subject: string | null): void {
    this.#subjects.set(uri, subject);
  }

  delete(uri: string): void {
    this.#subjects.delete(uri);
  }

  /** Of the resources subscribed to, those that these events changed. */
  updatedBy(events: readonly Event[]): string[] {
    const worktrees = new Set(events.filter(({ name }) => name.startsWith("worktree.")).map(({ subject }) => subject));
    const changed = (uri: string, subject: string | null): boolean => {
      if (uri === eventsUri) return events.length > 0;
      if (uri === worktreesUri) return worktrees.size > 0;
      return subject !== null && worktrees.has(subject);
    };
    return [...this.#subjects].filter(([uri, subject]) => changed(uri, subject)).map(([uri]) => uri);
  }
}

export const changesList = (events: readonly Event[]): boolean => events.some(({ name }) => listChanging.has(name));
