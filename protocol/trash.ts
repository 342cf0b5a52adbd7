import { z } from "zod";
import { holderParams } from "./claims.ts";
import { operation, repositoryParam } from "./operation.ts";
import { salvage } from "./salvage.ts";
import { work } from "./work.ts";
import { note, worktree, worktreeTypes } from "./worktrees.ts";

/** A removed worktree: its folder as it was, git's record of it, and what was salvaged. */
export const trashEntry = z.object({
  id: z.string().describe("UUIDv7"),
  worktree: z.string().describe("id of the worktree; restoring gives it back"),
  name: z.string(),
  type: z.enum(worktreeTypes),
  path: z.string().describe("where it was"),
  branch: z.string().nullable(),
  head: z.string().nullable(),
  place: z.string().describe("folder in the trash that holds it: tree/, its .git as dot-git, and manifest.json"),
  removedAt: z.iso.datetime(),
  emptiedAfter: z.iso.datetime().nullable().describe("when retention may delete it; null: never by age"),
  bytes: z.int().nonnegative().nullable().describe("disk use; null when not measured"),
  state: z.enum(["trashing", "kept", "restoring", "emptying"]),
  salvaged: z.string().nullable().describe("prefix of the refs that hold its work"),
});
export type TrashEntry = z.infer<typeof trashEntry>;

export const removeWorktree = operation({
  name: "worktree.remove",
  summary: "Remove a worktree into the trash; its work is salvaged first and its branch stays",
  access: "write",
  agents: "change",
  params: z.object({
    ...repositoryParam,
    name: z.string().describe("worktree name"),
    dryRun: z.boolean().default(false).describe("only say what it holds and what would be done"),
    yes: z.boolean().default(false).describe("salvage without asking; never discards work"),
    ...holderParams,
  }),
  result: z.object({
    worktree,
    work,
    trash: trashEntry.nullable().describe("null after a dry run"),
    notes: z.array(note),
  }),
  valueNames: { agent: "ID", token: "N" },
  cli: [
    {
      command: "remove",
      summary: "Remove a worktree into the trash; its work is salvaged first and its branch stays",
      positionals: ["name"],
      examples: ["imi remove feat-user-auth --dry-run", "imi remove feat-user-auth", "imi remove pr-123 --yes"],
    },
  ],
});

const entryParam = z.string().describe("name of the worktree, or id of the entry; the newest of that name");

export const listTrash = operation({
  name: "trash.list",
  summary: "List removed worktrees that can be restored, newest first",
  access: "read",
  agents: "read",
  params: z.object(repositoryParam),
  result: z.object({
    entries: z.array(trashEntry),
    bytes: z.int().nonnegative().describe("of those that are measured"),
    warnings: z.array(note).describe("what retention will delete soon, or a trash larger than its limit"),
  }),
  cli: [
    {
      command: "trash list",
      summary: "List removed worktrees that can be restored",
      examples: ["imi trash list", "imi trash list --json"],
    },
  ],
});

export const showTrash = operation({
  name: "trash.show",
  summary: "Show what one removed worktree holds",
  access: "read",
  agents: "read",
  params: z.object({ ...repositoryParam, name: entryParam }),
  result: z.object({ entry: trashEntry, work, salvage: salvage.nullable() }),
  cli: [
    {
      command: "trash show",
      summary: "Show what one removed worktree holds",
      positionals: ["name"],
      examples: ["imi trash show feat-user-auth"],
    },
  ],
});

export const restoreWorktree = operation({
  name: "worktree.restore",
  summary: "Bring a removed worktree back as it was",
  access: "write",
  agents: "add",
  params: z.object({ ...repositoryParam, name: entryParam }),
  result: z.object({ worktree, notes: z.array(note).describe("restored under another name or branch, and why") }),
  cli: [
    {
      command: "restore",
      summary: "Bring a removed worktree back as it was",
      positionals: ["name"],
      changesDirectory: true,
      examples: ["imi restore feat-user-auth"],
    },
    {
      command: "trash restore",
      summary: "Bring a removed worktree back as it was",
      positionals: ["name"],
      changesDirectory: true,
      examples: ["imi trash restore feat-user-auth"],
    },
  ],
});

export const emptyTrash = operation({
  name: "trash.empty",
  summary: "Delete removed worktrees for good, except work that is salvaged nowhere",
  access: "write",
  agents: null,
  params: z.object({
    ...repositoryParam,
    name: entryParam.optional().describe("only this one: name of the worktree, or id of the entry; by default all"),
    olderThan: z.string().optional().describe("only those removed longer ago, such as 30d, 12h or 0d"),
    dryRun: z.boolean().default(false).describe("only say what would be deleted"),
    yes: z.boolean().default(false).describe("do not ask; never deletes what is salvaged nowhere"),
  }),
  result: z.object({
    emptied: z.array(trashEntry).describe("`salvaged` names the refs that still hold the work of it"),
    kept: z.array(z.object({ entry: trashEntry, reason: z.string() })).describe("asked for, and why it stays"),
    bytes: z.int().nonnegative().describe("freed"),
  }),
  valueNames: { olderThan: "AGE" },
  cli: [
    {
      command: "trash empty",
      summary: "Delete removed worktrees for good",
      positionals: ["name?"],
      examples: ["imi trash empty --older-than 30d", "imi trash empty feat-user-auth", "imi trash empty --dry-run"],
    },
  ],
});
