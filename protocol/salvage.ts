import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";

/** What was put in safety from a worktree: refs that keep it, in the repository itself. */
export const salvage = z.object({
  worktree: z.string().describe("name of the worktree"),
  at: z.iso.datetime(),
  prefix: z.string().describe("refs/salvage/<worktree>/<time>"),
  refs: z
    .array(z.object({ ref: z.string(), commit: z.string() }))
    .describe(
      "below the prefix: HEAD, index (index-1 to index-3 in a conflict), worktree, state, stash/N, pseudo/NAME, reflog/N, inside/N/…",
    ),
  objects: z.int().nonnegative().describe("objects read back and verified"),
  ignored: z
    .object({ count: z.int().nonnegative(), examples: z.array(z.string()) })
    .describe("ignored files and folders; they are in no ref, only in the trash"),
});
export type Salvage = z.infer<typeof salvage>;

export const salvageWorktree = operation({
  name: "worktree.salvage",
  summary: "Put everything a worktree holds into refs that outlive it; nothing is changed there",
  access: "write",
  agents: "add",
  remote: true,
  params: z.object({
    ...repositoryParam,
    name: z.string().optional().describe("worktree name; by default the one you are in"),
    push: z.string().optional().describe("also push the refs to this remote"),
    bundle: z.string().optional().describe("also write them into this bundle file"),
  }),
  result: z.object({
    salvage,
    pushed: z.string().nullable().describe("remote"),
    bundle: z.string().nullable().describe("absolute path of the file"),
  }),
  valueNames: { push: "REMOTE", bundle: "FILE" },
  cli: [
    {
      command: "salvage",
      summary: "Put everything a worktree holds into refs that outlive it",
      positionals: ["name?"],
      examples: [
        "imi salvage feat-user-auth",
        "imi salvage --push origin",
        "imi salvage feat-x --bundle ../feat-x.bundle",
      ],
    },
  ],
});

export const listSalvages = operation({
  name: "salvage.list",
  summary: "List what has been salvaged, newest first",
  access: "read",
  agents: "read",
  params: z.object(repositoryParam),
  result: z.object({
    salvages: z.array(
      z.object({
        worktree: z.string(),
        at: z.iso.datetime(),
        prefix: z.string(),
        refs: z.int().positive().describe("how many"),
        trashed: z.boolean().describe("whether the worktree itself is in the trash as well"),
      }),
    ),
  }),
  cli: [{ command: "salvages", summary: "List what has been salvaged, newest first", examples: ["imi salvages"] }],
});
