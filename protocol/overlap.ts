import { z } from "zod";
import { changeKinds } from "./changes.ts";
import { operation, repositoryParam } from "./operation.ts";

/** Kinds of conflict in git's own words (`CONFLICT (modify/delete)`); `other` is one that this iMi does not know. */
export const conflictKinds = [
  "content",
  "add/add",
  "modify/delete",
  "rename/rename",
  "rename/delete",
  "rename involved in collision",
  "file/directory",
  "distinct types",
  "binary",
  "submodule",
  "file location",
  "implicit dir rename",
  "directory rename split",
  "other",
] as const;
export type ConflictKind = (typeof conflictKinds)[number];

export const conflict = z.object({
  path: z.string().describe("where the conflict would stand, relative to the worktree"),
  kind: z.enum(conflictKinds),
  paths: z.array(z.string()).describe("every path it is about: with a rename the old and the new ones"),
  message: z.string().describe("git's own sentence; its labels are commits"),
});
export type Conflict = z.infer<typeof conflict>;

/** What a merge would do. Not known is not clean. */
export const prediction = z.object({
  clean: z.boolean().nullable().describe("null: it could not be told, and `reason` says why"),
  reason: z.string().nullable(),
  conflicts: z.array(conflict),
});
export type Prediction = z.infer<typeof prediction>;

export const mergeSide = z.object({
  name: z.string().describe("the worktree's name, or the base, such as origin/main"),
  path: z.string().nullable().describe("null: the base, which is no worktree"),
  branch: z.string().nullable().describe("null: detached, or the base"),
  head: z.string().describe("the commit it is at"),
  uncommitted: z
    .object({
      staged: z.int().nonnegative(),
      changed: z.int().nonnegative(),
      untracked: z.int().nonnegative(),
      conflicted: z.int().nonnegative(),
    })
    .nullable()
    .describe("files; null: the base, or it could not be read"),
});
export type MergeSide = z.infer<typeof mergeSide>;

export const mergeRelations = ["up-to-date", "fast-forward", "diverged"] as const;

export const checkMerge = operation({
  name: "overlap.merge-check",
  summary: "Predict what merging one worktree into another would do, without touching either",
  access: "read",
  agents: "read",
  params: z.object({
    ...repositoryParam,
    a: z.string().describe("the worktree that would be merged"),
    b: z.string().optional().describe("the worktree it would be merged into; by default what the first is based on"),
  }),
  result: z.object({
    a: mergeSide,
    b: mergeSide,
    bases: z.array(z.string()).describe("the commits both come from; more than one after criss-cross merges"),
    relation: z
      .enum(mergeRelations)
      .describe("of the commits: up-to-date (b has all of a), fast-forward (a has all of b), diverged"),
    committed: prediction.describe("of what is committed"),
    working: prediction.describe("as if each had committed all it holds: staged, changed and untracked files"),
  }),
  cli: [
    {
      command: "merge-check",
      summary: "Predict what merging a worktree would do, without touching anything",
      positionals: ["a", "b?"],
      examples: ["imi merge-check feat-user-auth", "imi merge-check feat-user-auth fix-login --json"],
    },
  ],
});

/** How close what two worktrees did to one file is, the closest first. */
export const nearness = [
  "whole", // not by lines: added by both, deleted or renamed by one, binary, a link, a submodule
  "overlap", // the same lines, or lines next to each other
  "touch", // within three lines of each other
  "apart",
  "same", // both did exactly the same
] as const;
export type Nearness = (typeof nearness)[number];

/** What one of the two did to it. */
export const deed = z.object({
  path: z.string().describe("as it is called in that worktree"),
  change: z.enum(changeKinds),
});

/** Lines of the file as it was where both come from: `count` of them from `line`; 0: something was put in after `line`. */
export const lineRange = z.object({ line: z.int().nonnegative(), count: z.int().nonnegative() });
export type LineRange = z.infer<typeof lineRange>;

export const sharedFile = z.object({
  path: z.string().describe("as it was called where both come from"),
  near: z.enum(nearness),
  a: deed,
  b: deed,
  hunks: z
    .array(z.object({ near: z.enum(["overlap", "touch"]), a: lineRange, b: lineRange }))
    .optional()
    .describe("with `hunks`: pairs of changes that overlap or touch"),
});
export type SharedFile = z.infer<typeof sharedFile>;

export const overlap = z.object({
  a: z.string().describe("worktree name"),
  b: z.string().describe("worktree name"),
  files: z.array(sharedFile).describe("the nearest first"),
  merge: prediction.describe("of merging a into b with everything uncommitted"),
});
export type Overlap = z.infer<typeof overlap>;

export const listOverlaps = operation({
  name: "overlap.list",
  summary: "Show which worktrees changed the same files, and whether they would conflict",
  access: "read",
  agents: "read",
  params: z.object({
    ...repositoryParam,
    names: z.array(z.string()).optional().describe("only pairs with one of these worktrees; by default all"),
    hunks: z.boolean().default(false).describe("show which lines overlap"),
  }),
  result: z.object({
    base: z.string().describe("what the worktrees are compared with, such as origin/main"),
    looked: z.int().nonnegative().describe("worktrees that were looked at"),
    overlaps: z.array(overlap).describe("the worst first"),
    unknown: z
      .array(z.object({ name: z.string(), reason: z.string() }))
      .describe("worktrees that could not be read, wholly or in part: what they share with others is not known"),
  }),
  cli: [
    {
      command: "conflicts",
      summary: "Show which worktrees changed the same files, and which would conflict",
      positionals: ["names..."],
      examples: ["imi conflicts", "imi conflicts feat-user-auth --hunks", "imi conflicts --json"],
    },
  ],
});
