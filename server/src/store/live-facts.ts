import type { Database } from "./database.ts";
import { liveFacts as sql } from "./sql.ts";

/** What is kept for each worktree's live status, beside what was told of it. */
export interface LiveFactRows {
  /** By worktree id. */
  of(repositoryId: string): Promise<Map<string, KeptFacts>>;
  /** When a file or commit of one worktree last changed, in ms; null: not since iMi looks. */
  changedAt(worktreeId: string): Promise<number | null>;
  /** The first lines of the messages of the commits that worktrees are at. No event: nothing happened. */
  keepSubjects(
    subjects: readonly { readonly worktreeId: string; readonly head: string; readonly subject: string }[],
  ): Promise<void>;
}

export interface KeptFacts {
  /** Of the commit it was at when that was looked up. */
  readonly subject: { readonly of: string; readonly text: string } | null;
  /** When a file or commit last changed, in ISO 8601; null: not since iMi looks. */
  readonly changedAt: string | null;
}

interface FactRecord {
  readonly id: string;
  readonly head_subject: string | null;
  readonly head_subject_of: string | null;
  readonly changed_at: number | null;
}

export const liveFactRows = (database: Database): LiveFactRows => ({
  of: (repositoryId) =>
    database.read(
      (read) => new Map(read.all<FactRecord>(sql.of, { repositoryId }).map((record) => [record.id, toFacts(record)])),
    ),

  changedAt: (worktreeId) =>
    database.read((read) => read.get<{ changed_at: number | null }>(sql.changedAt, { worktreeId })?.changed_at ?? null),

  keepSubjects: (subjects) =>
    database.write((tx) => {
      for (const { worktreeId, head, subject } of subjects) tx.run(sql.keepSubject, { worktreeId, head, subject });
    }),
});

const toFacts = ({ head_subject: text, head_subject_of: of, changed_at: changedAt }: FactRecord): KeptFacts => ({
  subject: of === null || text === null ? null : { of, text },
  changedAt: changedAt === null ? null : new Date(changedAt).toISOString(),
});
