import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";
import { workKinds } from "./work-kinds.ts";
import type { WorkKind } from "./work-kinds.ts";

export { workKinds, type WorkKind } from "./work-kinds.ts";

export const workItem = z.object({
  kind: z.enum(Object.keys(workKinds) as [WorkKind, ...WorkKind[]]),
  count: z.int().positive(),
  examples: z
    .array(z.string())
    .describe("the first of them: paths relative to the worktree, abbreviated commits with their subject, or a state"),
  bytes: z
    .int()
    .nonnegative()
    .nullable()
    .optional()
    .describe("of ignored files: what they take on the disk together; null: too many to be measured"),
});
export type WorkItem = z.infer<typeof workItem>;

/** How a branch's changes came into another: by the commits themselves, rebased, squashed into one, or by other ways. */
export const mergeWays = ["ancestor", "rebased", "squashed", "contained"] as const;

/** One of three answers before any removal. `unknown` counts as work. */
export const work = z.object({
  answer: z.enum(["clean", "work", "unknown"]),
  reason: z.string().nullable().describe("why it is unknown"),
  items: z.array(workItem),
  merged: z
    .object({ into: z.string().describe("a branch, such as origin/main"), how: z.enum(mergeWays) })
    .nullable()
    .describe("null: not merged, or it could not be told"),
  dependents: z
    .array(z.string())
    .optional()
    .describe(
      "worktrees elsewhere of repositories inside it, absolute paths: they stop working while it is in the trash, and for good when that is emptied",
    ),
});
export type Work = z.infer<typeof work>;

export const examineWorktree = operation({
  name: "worktree.work",
  summary: "Say what a worktree holds that would be lost without it",
  access: "read",
  agents: "read",
  params: z.object({
    ...repositoryParam,
    name: z.string().describe("worktree name"),
  }),
  result: z.object({ work }),
  cli: [],
});
