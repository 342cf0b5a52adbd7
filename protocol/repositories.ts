import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";
import { note, worktree } from "./worktrees.ts";

/** One Git repository, whatever number of worktrees it has; identified by its common git directory. */
export const repository = z.object({
  id: z.string().describe("UUIDv7"),
  name: z.string(),
  gitDir: z.string().describe("absolute path of the common git directory"),
  layout: z
    .enum(["container", "beside", "bare"])
    .describe("container: worktrees are siblings of trunk-*; beside: they go to <repo>.worktrees"),
  container: z.string().describe("absolute path of the folder new worktrees and sync/ are made in"),
  trunk: z.string().nullable().describe("absolute path of the main checkout; null when bare"),
});
export type Repository = z.infer<typeof repository>;

export const openRepository = operation({
  name: "repository.open",
  summary: "Find the repository a path belongs to and keep it in step from now on",
  access: "read",
  agents: null,
  params: z.object(repositoryParam),
  result: z.object({ repository }),
  cli: [],
});

export const cloneRepository = operation({
  name: "repository.clone",
  summary: "Clone a repository into a container with trunk-<branch> and sync/",
  access: "write",
  agents: null,
  params: z.object({
    url: z.string().describe("address or path of the repository"),
    directory: z.string().optional().describe("the container to make; by default named after the repository"),
  }),
  result: z.object({ repository, worktree, notes: z.array(note) }),
  cli: [
    {
      command: "clone",
      summary: "Clone a repository into a container with trunk-<branch> and sync/",
      positionals: ["url", "directory?"],
      changesDirectory: true,
      examples: ["imi clone git@example.com:team/app.git", "imi clone ../app.git work/app"],
    },
  ],
});

export const initRepository = operation({
  name: "repository.init",
  summary: "Adopt a repository that exists: register its worktrees and make sync/",
  access: "write",
  agents: null,
  params: z.object({ path: z.string().optional().describe("the clone, bare repository or container") }),
  result: z.object({ repository, worktrees: z.array(worktree), notes: z.array(note) }),
  cli: [
    {
      command: "init",
      summary: "Adopt a repository that exists: register its worktrees and make sync/",
      positionals: ["path?"],
      examples: ["imi init", "imi init ~/code/app"],
    },
  ],
});
