import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";

/** What a path stands for: git keeps a link's target as its content, and of a submodule the commit it is at. */
export const versionKinds = ["file", "link", "submodule"] as const;

/** What became of a file between two commits, or between one and the disk; `retyped`: a link became a file, say. */
export const changeKinds = ["added", "changed", "deleted", "renamed", "retyped"] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** A file as it was or is at one end of a comparison. */
export const fileVersion = z.object({
  kind: z.enum(versionKinds),
  id: z
    .string()
    .nullable()
    .describe("git's id of its content (of a submodule its commit), for file.read; null: it is only on disk"),
  bytes: z.int().nonnegative().nullable().describe("null: not known, as of a submodule"),
  target: z.string().optional().describe("where a link leads that is only on disk"),
});
export type FileVersion = z.infer<typeof fileVersion>;

export const changedFile = z.object({
  path: z.string().describe("relative to the worktree; as it was called where it is gone"),
  from: z.string().nullable().describe("what a renamed one was called; null otherwise"),
  change: z.enum(changeKinds),
  untracked: z.boolean().describe("git was not told of it yet"),
  binary: z.boolean().nullable().describe("null: not looked at, where there are more files than asked for"),
  before: fileVersion.nullable().describe("null: it was not there"),
  after: fileVersion.nullable().describe("null: it is gone"),
});
export type ChangedFile = z.infer<typeof changedFile>;

/** Files that one answer holds at most. */
export const mostChanges = 5000;

const asked = {
  paths: z
    .array(z.string())
    .optional()
    .describe("only these files, or files in these folders; relative to the worktree"),
  limit: z.int().positive().max(mostChanges).default(1000).describe("at most this many files"),
};
const found = {
  files: z.array(changedFile).describe("by path"),
  total: z.int().nonnegative().describe("how many there are; more than `files` where that was cut at `limit`"),
};

export const comparisons = ["base", "trunk", "head"] as const;
export type Comparison = (typeof comparisons)[number];

export const worktreeChanges = operation({
  name: "worktree.changes",
  summary: "Show which files a worktree changed",
  access: "read",
  agents: null,
  params: z.object({
    ...repositoryParam,
    name: z.string().describe("worktree name"),
    against: z
      .enum(comparisons)
      .default("base")
      .describe("since it parted from its base or from the trunk, or since its last commit (head)"),
    other: z.string().optional().describe("since it and this worktree parted, instead"),
    ...asked,
  }),
  result: z.object({
    name: z.string(),
    path: z.string().describe("where the worktree is, absolute"),
    against: z.object({
      name: z.string().describe("such as origin/main; for head the branch, or HEAD"),
      commit: z.string().nullable().describe("what it is compared with; null: nothing, for it has no commit yet"),
    }),
    ...found,
  }),
  valueNames: { against: "WHAT", other: "WORKTREE", limit: "COUNT" },
  cli: [
    {
      command: "changes",
      summary: "Show which files a worktree changed since it parted from its base",
      positionals: ["name", "paths..."],
      examples: [
        "imi changes feat-user-auth",
        "imi changes feat-user-auth --against trunk",
        "imi changes pr-12 src --json",
      ],
    },
  ],
});

export const commitChanges = operation({
  name: "commit.changes",
  summary: "Show which files differ between two commits",
  access: "read",
  agents: null,
  params: z.object({
    ...repositoryParam,
    commit: z.string().describe("commit id"),
    from: z.string().optional().describe("commit id to compare with; by default its first parent, or nothing"),
    ...asked,
  }),
  result: z.object({
    from: z.string().nullable().describe("null: compared with nothing"),
    subject: z.string().describe("first line of the commit's message"),
    ...found,
  }),
  cli: [],
});

export const readVersion = operation({
  name: "file.read",
  summary: "Read one version of a file from the repository",
  access: "read",
  agents: null,
  params: z.object({ ...repositoryParam, id: z.string().describe("git's id of its content") }),
  result: z.object({
    bytes: z.int().nonnegative(),
    base64: z.string().nullable().describe("null: it is longer than can be read"),
  }),
  cli: [],
});
