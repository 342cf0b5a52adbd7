import { z } from "zod";
import { agentIdPattern, claim, claimHolder } from "./claims.ts";
import { operation, repositoryParam } from "./operation.ts";

/** Kinds of work, by seed 002 "Naming Convention"; `trunk` is the main checkout, `other` was made by another tool. */
export const worktreeTypes = ["trunk", "feat", "fix", "review", "aiops", "devops", "other"] as const;
export type WorktreeType = (typeof worktreeTypes)[number];

/** The kinds one makes by name; a review is made by its number. */
export const namedTypes = ["feat", "fix", "aiops", "devops"] as const;
export type NamedType = (typeof namedTypes)[number];

/** Counts of files and commits; ahead and behind are against `base`. A status that could not be read is never zeros. */
export const statusCounts = z.object({
  ahead: z.int().nonnegative(),
  behind: z.int().nonnegative(),
  staged: z.int().nonnegative(),
  changed: z.int().nonnegative(),
  untracked: z.int().nonnegative(),
  conflicted: z.int().nonnegative(),
});
export const unknownStatus = z.object({ unknown: z.string() });
export const worktreeStatus = z.union([statusCounts, unknownStatus]);
export type StatusCounts = z.infer<typeof statusCounts>;
export type WorktreeStatus = z.infer<typeof worktreeStatus>;

export const isKnown = (status: WorktreeStatus): status is StatusCounts => "ahead" in status;

/** What is known of a worktree beside its counts; read with the status. */
export const liveFacts = z.object({
  subject: z.string().nullable().describe("first line of its commit's message; null without a commit"),
  upstream: z
    .object({
      name: z.string().describe("such as origin/feat/user-auth"),
      ahead: z.int().nonnegative(),
      behind: z.int().nonnegative(),
    })
    .nullable()
    .describe("the branch it is pushed to; null: none is set, or it is gone"),
  operation: z
    .enum(["merge", "rebase", "cherry-pick", "revert", "bisect", "am"])
    .nullable()
    .describe("what git is in the middle of"),
  lastChange: z.iso.datetime().nullable().describe("when a file or commit of it last changed, as far as iMi saw it"),
  recentAgents: z
    .array(z.object({ agent: z.string(), at: z.iso.datetime() }))
    .describe("who did something in it within a day, the latest first"),
});
export type LiveFacts = z.infer<typeof liveFacts>;

export const worktree = z.object({
  id: z.string().describe("UUIDv7, stable for the worktree's life, also when it moves"),
  repository: z.string().describe("id of the repository it belongs to"),
  name: z.string().describe("unique within the repository: the folder's name by convention"),
  type: z.enum(worktreeTypes),
  path: z.string().describe("absolute"),
  branch: z.string().nullable().describe("null when HEAD is detached"),
  base: z.string().nullable().describe("what it is compared with: a branch such as origin/main"),
  head: z.string().nullable().describe("commit id; null on a branch without a commit"),
  state: z
    .enum(["creating", "ready", "missing", "removing", "restoring"])
    .describe("missing: git knows it, its folder is gone"),
  locked: z.object({ reason: z.string() }).nullable().describe("git worktree lock"),
  agentId: z.string().nullable().describe("who holds it"),
  claim: claimHolder.nullable().describe("null: nobody holds it"),
  pullRequest: z.int().positive().nullable(),
  createdAt: z.iso.datetime(),
  lastAccessed: z.iso.datetime(),
  metadata: z.record(z.string(), z.unknown()),
  status: worktreeStatus.optional(),
  live: liveFacts.optional().describe("with the status"),
});
export type Worktree = z.infer<typeof worktree>;

/** Something done differently from the plain case, or left undone, that the user should read; `code` is stable. */
export const note = z.object({ code: z.string(), message: z.string() });
export type Note = z.infer<typeof note>;

const created = z.object({
  worktree,
  created: z.boolean(),
  notes: z.array(note),
  claim: claim.optional().describe("of the agent it was made or opened for"),
});
export type CreateResult = z.infer<typeof created>;

const named = (type: NamedType, what: string, example: string) => ({
  command: type,
  summary: `Create or open ${what}`,
  positionals: ["name"],
  fixed: { type },
  changesDirectory: true as const,
  examples: [`imi ${type} ${example}`],
});

export const createWorktree = operation({
  name: "worktree.create",
  summary: "Create or open a worktree for a named piece of work",
  access: "write",
  agents: "add",
  repeatable: true,
  remote: true,
  params: z.object({
    ...repositoryParam,
    type: z.enum(namedTypes),
    name: z.string().describe("what the work is called, e.g. user-auth"),
    branch: z.string().optional().describe("branch to use instead of <type>/<name>"),
    base: z.string().optional().describe("branch or commit to start from instead of the trunk's newest"),
    agentId: z.string().regex(new RegExp(agentIdPattern)).optional().describe("agent that works here: claims it"),
  }),
  result: created,
  valueNames: { agentId: "ID", base: "COMMIT" },
  cli: [
    {
      ...named("feat", "a feature worktree", "user-auth"),
      examples: [
        "imi feat user-auth",
        "imi feat user-auth --base release/2.1",
        "imi feat user-auth --branch jane/auth --json",
      ],
    },
    named("fix", "a bug-fix worktree", "login-crash"),
    named("aiops", "a worktree for AI operations", "new-agent"),
    named("devops", "a worktree for infrastructure work", "ci-update"),
  ],
});

export const reviewWorktree = operation({
  name: "worktree.review",
  summary: "Create or open a worktree on a pull or merge request",
  access: "write",
  agents: "add",
  repeatable: true,
  remote: true,
  params: z.object({
    ...repositoryParam,
    number: z.int().positive().describe("number of the pull or merge request"),
    agentId: z.string().regex(new RegExp(agentIdPattern)).optional().describe("agent that works here: claims it"),
  }),
  result: created,
  valueNames: { agentId: "ID" },
  cli: [
    {
      command: "review",
      summary: "Create or open a worktree on a pull or merge request",
      positionals: ["number"],
      changesDirectory: true,
      examples: ["imi review 123"],
    },
  ],
});

export const listWorktrees = operation({
  name: "worktree.list",
  summary: "List the worktrees of a repository, with their status",
  access: "read",
  agents: "read",
  params: z.object({
    ...repositoryParam,
    status: z.boolean().default(true).describe("read each worktree's status; --no-status is faster"),
  }),
  result: z.object({ worktrees: z.array(worktree) }),
  cli: [
    {
      command: "list",
      summary: "List the worktrees with branch, state and status",
      examples: ["imi list", "imi list --json", "imi list --no-status"],
    },
  ],
});

export const worktreeStatuses = operation({
  name: "worktree.status",
  summary: "Read the status of some worktrees",
  access: "read",
  agents: "read",
  params: z.object({ ...repositoryParam, ids: z.array(z.string()).describe("worktree ids") }),
  result: z.object({
    statuses: z.record(z.string(), worktreeStatus),
    live: z.record(z.string(), liveFacts).describe("by worktree id too; of those that could be read"),
  }),
  cli: [],
});

export const worktreePath = operation({
  name: "worktree.path",
  summary: "Print where a worktree is",
  access: "read",
  agents: "read",
  params: z.object({ ...repositoryParam, name: z.string().describe("worktree name") }),
  result: z.object({ path: z.string() }),
  cli: [
    {
      command: "path",
      summary: "Print where a worktree is",
      positionals: ["name"],
      examples: ["imi path feat-user-auth", 'code "$(imi path feat-user-auth)"'],
    },
  ],
});

export const switchWorktree = operation({
  name: "worktree.switch",
  summary: "Go to a worktree that exists",
  access: "write",
  agents: null,
  params: z.object({ ...repositoryParam, name: z.string().describe("worktree name") }),
  result: z.object({ worktree }),
  cli: [
    {
      command: "switch",
      summary: "Go to a worktree that exists",
      positionals: ["name"],
      changesDirectory: true,
      examples: ["imi switch feat-user-auth", "imi switch trunk-main"],
    },
  ],
});

export const reconciled = worktree.extend({ reason: z.string() });
export type Reconciled = z.infer<typeof reconciled>;

export const reconcileWorktrees = operation({
  name: "worktree.reconcile",
  summary: "Make the registry agree with git: adopt, settle, finish what was interrupted",
  access: "write",
  agents: "change",
  repeatable: true,
  params: z.object(repositoryParam),
  result: z.object({
    adopted: z.array(reconciled),
    settled: z.array(reconciled),
    finished: z.array(reconciled),
  }),
  cli: [
    {
      command: "reconcile",
      summary: "Make the registry agree with git",
      examples: ["imi reconcile", "imi reconcile --json"],
    },
  ],
});

export const syncAction = z.object({
  worktree: z.string().describe("worktree name"),
  path: z.string().describe("relative to the worktree"),
  action: z.enum(["linked", "copied", "unlinked", "backed-up", "skipped"]),
  detail: z.string().nullable(),
});
export type SyncAction = z.infer<typeof syncAction>;

export const syncConfig = operation({
  name: "sync.apply",
  summary: "Link the shared config of sync/ into every worktree",
  access: "write",
  agents: "change",
  repeatable: true,
  params: z.object(repositoryParam),
  result: z.object({ worktrees: z.int(), verified: z.int(), actions: z.array(syncAction) }),
  cli: [
    {
      command: "sync",
      summary: "Link the shared config of sync/ into every worktree",
      examples: ["imi sync"],
    },
  ],
});
