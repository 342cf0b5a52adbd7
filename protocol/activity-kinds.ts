/** What is kept of what happens in worktrees. The first three by seed 002 "Database Schema", `agent_claimed` by seed 001 §2. */
export const activityTypes = [
  "file_change",
  "commit",
  "switch",
  "agent_claimed",
  "agent_released",
  "worktree_created",
  "worktree_removed",
  "worktree_restored",
] as const;
export type ActivityType = (typeof activityTypes)[number];

/** What became of a file, compared with the look before. */
export const fileChanges = ["added", "modified", "deleted"] as const;
export type FileChange = (typeof fileChanges)[number];

/** Files that one event names at most; the activity log has all. */
export const touchedFiles = 20;

/** How close in time two agents' changes of one file are a conflict, in ms (seed 002 "Agent Conflict Detection"). */
export const sameFileMs = 60_000;
