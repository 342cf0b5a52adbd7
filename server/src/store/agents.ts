import type { Agent, AgentKind } from "../../../protocol/claims.ts";
import type { Database, Sql } from "./database.ts";
import { appendEvent } from "./events.ts";
import { agents as sql } from "./sql.ts";

interface AgentRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly provider: string | null;
  readonly current_worktree_id: string | null;
  readonly last_seen: number;
}
type ListedRecord = AgentRecord & { readonly worktree_name: string | null; readonly worktree_path: string | null };

export interface Agents {
  /** The latest seen first. */
  all(): Promise<Agent[]>;
}

export const agentRows = (database: Database): Agents => ({
  all: () => database.read((read) => read.all<ListedRecord>(sql.all).map(toAgent)),
});

const toAgent = (record: ListedRecord): Agent => ({
  id: record.id,
  name: record.name,
  // Written by putAgent.
  kind: record.type as AgentKind,
  provider: record.provider,
  worktree:
    record.current_worktree_id === null || record.worktree_name === null || record.worktree_path === null
      ? null
      : { id: record.current_worktree_id, name: record.worktree_name, path: record.worktree_path },
  lastSeen: new Date(record.last_seen).toISOString(),
});

/** Makes an agent known; what is not said of it stays as it was (event agent.changed where something differs). */
export const putAgent = (
  tx: Sql,
  said: { readonly agent: string; readonly kind: AgentKind | null; readonly provider: string | null },
  wall: number,
): { readonly kind: string; readonly provider: string | null } => {
  const { agent: id } = said;
  const before = tx.get<AgentRecord>(sql.byId, { id });
  const kind = said.kind ?? before?.type ?? "ai-writer";
  const provider = said.provider ?? before?.provider ?? null;
  if (before === undefined || before.type !== kind || before.provider !== provider) {
    tx.run(sql.put, { id, name: id, kind, provider, wall });
    appendEvent(tx, { name: "agent.changed", repositoryId: null, subject: id, data: { id, name: id, kind, provider } });
  }
  return { kind, provider };
};
