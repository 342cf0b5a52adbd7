import type { Agent } from "../../protocol/claims.ts";
import type { Event, EventName } from "../../protocol/events.ts";
import type { LiveFacts, StatusCounts, Worktree } from "../../protocol/worktrees.ts";
import { emptyBoard, type Board } from "../../server/src/faces/monitor/board.ts";

export const now = Date.parse("2026-03-01T10:00:00.000Z");
export const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

export const clean: StatusCounts = { ahead: 0, behind: 0, staged: 0, changed: 0, untracked: 0, conflicted: 0 };
export const facts: LiveFacts = { subject: null, upstream: null, operation: null, lastChange: null, recentAgents: [] };

/** A worktree as the contract has it; its id is its name. */
export const worktreeRow = (name: string, more: Partial<Worktree> = {}): Worktree => {
  const type = more.type ?? "feat";
  return {
    id: name,
    repository: "r",
    name,
    type,
    path: `/code/app/${name}`,
    branch: name.replace("-", "/"),
    base: "origin/main",
    head: "0123456789abcdef0123456789abcdef01234567",
    state: "ready",
    locked: null,
    agentId: null,
    claim: null,
    pullRequest: null,
    createdAt: ago(7200),
    lastAccessed: ago(60),
    metadata: {},
    status: clean,
    live: facts,
    ...more,
  };
};

export const agentRow = (id: string, more: Partial<Agent> = {}): Agent => ({
  ...{ id, name: id, kind: "ai-writer", provider: null, worktree: null, lastSeen: ago(5) },
  ...more,
});

export const boardOf = (more: Partial<Board>): Board => ({ ...emptyBoard, repository: "app", worktrees: [], ...more });

let seq = 0;
export const eventOf = (name: EventName, subject: string, data: Record<string, unknown>, secondsAgo = 2): Event => {
  seq += 1;
  return { seq, id: `e${seq}`, name, repository: "r", subject, at: ago(secondsAgo), data };
};
