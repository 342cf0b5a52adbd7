import { z } from "zod";
import { activityTypes } from "./activity-kinds.ts";
import type { FileChange } from "./activity-kinds.ts";
import { operation, repositoryParam } from "./operation.ts";
import type { WorktreeStatus } from "./worktrees.ts";

export {
  activityTypes,
  fileChanges,
  sameFileMs,
  touchedFiles,
  type ActivityType,
  type FileChange,
} from "./activity-kinds.ts";

/** One thing that happened in a worktree. Nothing is kept about files that git ignores. */
export const activity = z.object({
  id: z.int().positive().describe("grows with time; the place to go on from"),
  at: z.iso.datetime(),
  type: z.enum(activityTypes),
  worktree: z.object({
    id: z.string(),
    name: z.string().describe("as it was called then; the worktree may be gone"),
  }),
  agent: z.string().nullable().describe("who held the worktree then; null: nobody, or it was not to be recorded"),
  file: z.string().nullable().describe("relative to the worktree; of file_change alone"),
  details: z
    .record(z.string(), z.unknown())
    .describe("file_change: change; commit: branch, from, head, subject, commits, dropped; switch: from, to"),
});
export type Activity = z.infer<typeof activity>;

/** `data` of the event worktree.touched. */
export interface Touched {
  /** The worktree's name. */
  readonly name: string;
  /** Who held it. */
  readonly agent: string | null;
  /** The first of them, at most `touchedFiles`. */
  readonly files: readonly { readonly path: string; readonly change: FileChange }[];
  /** How many more there were. */
  readonly more: number;
  readonly status: WorktreeStatus;
}

/** `data` of the event worktree.commit. */
export interface Committed {
  readonly name: string;
  readonly agent: string | null;
  readonly branch: string | null;
  /** Commit ids; null: there was none. */
  readonly from: string | null;
  readonly head: string | null;
  readonly subject: string | null;
  /** Commits that came, and that went (amended, rebased, reset). */
  readonly commits: number;
  readonly dropped: number;
  readonly status: WorktreeStatus;
}

/** `data` of the event conflict.detected: who changed the file within the last minute, the latest first. */
export interface SameFile {
  readonly file: string;
  readonly agents: readonly { readonly agent: string; readonly worktree: string; readonly at: string }[];
  /** How many other files of the same moment were met by others too and are not told each. */
  readonly more?: number;
}

export const listActivity = operation({
  name: "activity.list",
  summary: "Show what happened in the worktrees, newest first",
  access: "read",
  agents: "read",
  params: z.object({
    ...repositoryParam,
    name: z.string().optional().describe("only in this worktree"),
    agent: z.string().optional().describe("only by this agent"),
    file: z.string().optional().describe("only of this file, or of files in this folder; relative to the worktree"),
    type: z.enum(activityTypes).optional().describe("only of this type"),
    since: z.string().optional().describe("only since then: an age such as 30m, 2h, 7d, or a time by ISO 8601"),
    before: z.int().positive().optional().describe("only older than the one with this id"),
    limit: z.int().positive().max(1000).default(50).describe("at most this many"),
  }),
  result: z.object({
    activities: z.array(activity),
    more: z.boolean().describe("there are older ones: ask again with `before`"),
  }),
  valueNames: { agent: "ID", file: "PATH", since: "AGE", before: "ID", limit: "COUNT" },
  cli: [
    {
      command: "activity",
      summary: "Show what happened in the worktrees, newest first",
      positionals: ["name?"],
      examples: ["imi activity", "imi activity feat-user-auth --since 2h", "imi activity --file src/auth --json"],
    },
  ],
});
