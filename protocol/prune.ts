import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";
import { trashEntry } from "./trash.ts";
import { work } from "./work.ts";
import { worktree } from "./worktrees.ts";

export const pruneCandidate = z.object({
  worktree,
  reasons: z.array(z.string()).describe("why it seems to be done: merged and how, idle since when"),
  idleSince: z.iso.datetime().describe("last commit, file change or visit"),
  bytes: z.int().nonnegative().nullable(),
  work,
});
export type PruneCandidate = z.infer<typeof pruneCandidate>;

export const pruneWorktrees = operation({
  name: "worktree.prune",
  summary: "Propose merged and idle worktrees for removal; with --yes remove them, into the trash",
  access: "write",
  agents: null,
  params: z.object({
    ...repositoryParam,
    names: z.array(z.string()).optional().describe("only these of those proposed"),
    idleDays: z.int().nonnegative().default(14).describe("idle: nothing happened for so many days"),
    yes: z
      .boolean()
      .default(false)
      .describe("remove those that hold no work, and those that are named; work is salvaged first"),
  }),
  result: z.object({
    candidates: z.array(pruneCandidate),
    removed: z.array(trashEntry),
    failed: z.array(z.object({ name: z.string(), reason: z.string() })),
  }),
  valueNames: { idleDays: "DAYS" },
  cli: [
    {
      command: "prune",
      summary: "Propose merged and idle worktrees for removal (nothing is removed without --yes)",
      positionals: ["names..."],
      examples: ["imi prune", "imi prune --idle-days 30", "imi prune feat-a feat-b --yes"],
    },
  ],
});

/** What a worktree takes on the disk; hard links counted once, what it shares with the repository not at all. */
export const diskUse = z.object({
  bytes: z.int().nonnegative(),
  files: z.int().nonnegative(),
  measuredAt: z.iso.datetime(),
});
export type DiskUse = z.infer<typeof diskUse>;

export const measureDiskUse = operation({
  name: "worktree.disk-use",
  summary: "Measure how much disk worktrees take",
  access: "read",
  agents: "read",
  params: z.object({
    ...repositoryParam,
    names: z.array(z.string()).optional().describe("only these; by default all"),
    fresh: z.boolean().default(false).describe("measure again what has been measured lately"),
  }),
  result: z.object({
    worktrees: z.array(z.object({ id: z.string(), name: z.string(), path: z.string(), use: diskUse.nullable() })),
    trash: z.int().nonnegative().describe("bytes of this repository's trash, of what is measured"),
  }),
  cli: [
    {
      command: "disk-use",
      summary: "Measure how much disk worktrees take",
      positionals: ["names..."],
      examples: ["imi disk-use", "imi disk-use feat-user-auth --fresh", "imi disk-use --json"],
    },
  ],
});
