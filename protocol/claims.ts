import { z } from "zod";
import { operation, repositoryParam } from "./operation.ts";

/** Who works: seed 002 "Agent Coordination Example". */
export const agentKinds = ["human", "ai-writer", "ai-reviewer", "ai-tester"] as const;
export type AgentKind = (typeof agentKinds)[number];

/** Longest a claim may stand without a sign of life, and longest anyone may wait for one, in seconds. */
export const longestSeconds = 7 * 24 * 60 * 60;

/** What stands in git's lock, in a shell's environment and in a hook's file: nothing there may need quoting. */
export const agentIdPattern = "^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,99}$";

/** Who holds a worktree, as everybody may see it. */
export const claimHolder = z.object({
  agent: z.string(),
  since: z.iso.datetime(),
  expiresAt: z.iso.datetime().describe("unless a heartbeat comes before"),
  task: z.string().nullable(),
});
export type ClaimHolder = z.infer<typeof claimHolder>;

/** A claim, as its holder gets it. */
export const claim = z.object({
  worktree: z.string().describe("name"),
  agent: z.string(),
  token: z.int().positive().describe("fencing token: of a repository's claims each has a larger one than those before"),
  since: z.iso.datetime(),
  expiresAt: z.iso.datetime().describe("unless a heartbeat comes before"),
});
export type Claim = z.infer<typeof claim>;

/** Why a claim ended; in `worktree.released`. */
export const claimEnds = [
  "released",
  "expired",
  "process-ended",
  "rebooted",
  "unseen",
  "taken-over",
  "removed",
] as const;
export type ClaimEnd = (typeof claimEnds)[number];

const named = { name: z.string().describe("worktree name") };
const agentParam = z.string().regex(new RegExp(agentIdPattern)).optional().describe("who claims; or IMI_AGENT_ID");
const tokenParam = z.int().positive().optional().describe("the claim's token; or IMI_CLAIM_TOKEN");

/** For what is done in a holder's name. */
export const holderParams = {
  agent: agentParam.describe("in the name of this holder; or IMI_AGENT_ID"),
  token: tokenParam,
};

const about = {
  ttl: z.int().min(1).max(longestSeconds).optional().describe("seconds it lasts without a heartbeat"),
  task: z.string().min(1).max(200).optional().describe("what it is for, shown to others"),
  pid: z.int().positive().max(4_294_967_295).optional().describe("process that holds it; ends with it"),
  kind: z.enum(agentKinds).optional().describe("what the agent is; remembered"),
  provider: z.string().min(1).max(100).optional().describe("whose agent it is, e.g. claude; remembered"),
};

export const claimWorktree = operation({
  name: "claim.take",
  summary: "Claim a worktree, so that nobody else works in it",
  access: "write",
  agents: "add",
  repeatable: true,
  params: z.object({
    ...repositoryParam,
    ...named,
    agent: agentParam,
    ...about,
    wait: z
      .int()
      .min(0)
      .max(longestSeconds)
      .optional()
      .meta({ bare: longestSeconds })
      .describe("queue for it, so many seconds; without a number until it is free"),
    token: tokenParam.describe("of a claim one has already, to go on with it from another process"),
  }),
  result: z.object({ claim }),
  valueNames: { agent: "ID", ttl: "SECONDS", wait: "SECONDS", task: "TEXT", provider: "NAME", token: "N" },
  cli: [
    {
      command: "claim",
      summary: "Claim a worktree, so that nobody else works in it",
      positionals: ["name"],
      examples: [
        "imi claim feat-user-auth --agent claude-1",
        "imi claim feat-user-auth --agent claude-1 --pid $$ --json",
        "imi claim feat-user-auth --agent claude-2 --wait 600",
      ],
    },
  ],
});

export const releaseWorktree = operation({
  name: "claim.release",
  summary: "Give a claimed worktree back",
  access: "write",
  agents: "add",
  params: z.object({ ...repositoryParam, ...named, agent: agentParam, token: tokenParam }),
  result: z.object({ claim }),
  valueNames: { agent: "ID", token: "N" },
  cli: [
    {
      command: "release",
      summary: "Give a claimed worktree back",
      positionals: ["name"],
      examples: ["imi release feat-user-auth --agent claude-1 --token 7", "imi release feat-user-auth"],
    },
  ],
});

export const heartbeatClaim = operation({
  name: "claim.heartbeat",
  summary: "Say that a claim is still wanted; raises claim/stale when it is lost",
  access: "write",
  agents: "add",
  repeatable: true,
  params: z.object({ ...repositoryParam, ...named, agent: agentParam, token: tokenParam }),
  result: z.object({ claim }),
  valueNames: { agent: "ID", token: "N" },
  cli: [
    {
      command: "heartbeat",
      summary: "Say that a claim is still wanted",
      positionals: ["name"],
      examples: ["imi heartbeat feat-user-auth --agent claude-1 --token 7", "imi heartbeat feat-user-auth"],
    },
  ],
});

export const takeOverWorktree = operation({
  name: "claim.take-over",
  summary: "Take a worktree away from its holder; logged with who did it",
  access: "write",
  // What a holder may lose by it, only a person can judge.
  agents: null,
  params: z.object({
    ...repositoryParam,
    ...named,
    agent: agentParam,
    ...about,
    reason: z.string().min(1).max(200).optional().describe("why, for the log"),
    from: z.string().optional().describe("only from this holder, or if nobody holds it; anybody else keeps it"),
    dryRun: z.boolean().default(false).describe("only say who holds it"),
    yes: z.boolean().default(false).describe("do not ask"),
  }),
  result: z.object({
    claim: claim.nullable().describe("null after a dry run"),
    from: claimHolder.nullable().describe("who held it; null: nobody"),
  }),
  valueNames: { agent: "ID", ttl: "SECONDS", task: "TEXT", provider: "NAME", reason: "TEXT", from: "ID" },
  cli: [
    {
      command: "take-over",
      summary: "Take a worktree away from its holder",
      positionals: ["name"],
      examples: ["imi take-over feat-user-auth --agent jane", "imi take-over feat-user-auth --agent jane --yes"],
    },
  ],
});

export const listedClaim = claim.omit({ token: true }).extend({
  task: z.string().nullable(),
  pid: z.int().positive().nullable(),
  host: z.string().describe("where it was claimed"),
  waiting: z.array(z.object({ agent: z.string(), since: z.iso.datetime() })).describe("in the order they came"),
});

export const listClaims = operation({
  name: "claim.list",
  summary: "List who holds which worktree, and who waits for it",
  access: "read",
  agents: "read",
  params: z.object(repositoryParam),
  result: z.object({ claims: z.array(listedClaim) }),
  cli: [
    {
      command: "claims",
      summary: "List who holds which worktree, and who waits",
      examples: ["imi claims", "imi claims --json"],
    },
  ],
});

export const agent = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(agentKinds),
  provider: z.string().nullable(),
  worktree: z.object({ id: z.string(), name: z.string(), path: z.string() }).nullable().describe("it holds now"),
  lastSeen: z.iso.datetime(),
});
export type Agent = z.infer<typeof agent>;

export const listAgents = operation({
  name: "agent.list",
  summary: "List the agents that worked here, the latest seen first",
  access: "read",
  agents: "read",
  params: z.object({}),
  result: z.object({ agents: z.array(agent) }),
  cli: [
    {
      command: "agents",
      summary: "List the agents, the latest seen first",
      examples: ["imi agents", "imi agents --json"],
    },
  ],
});

const enforcement = z.object({
  on: z.boolean(),
  hooks: z.string().nullable().describe("folder iMi's hooks are in; null when it is off"),
  before: z.string().nullable().describe("core.hooksPath as it was; the hooks there are still run"),
  problems: z.array(z.string()),
});

export const showEnforcement = operation({
  name: "enforcement.show",
  summary: "Say whether git refuses changes in worktrees that others hold",
  access: "read",
  agents: "read",
  params: z.object(repositoryParam),
  result: z.object({ enforcement }),
  cli: [
    {
      command: "enforce status",
      summary: "Say whether git refuses changes in others' worktrees",
      examples: ["imi enforce status"],
    },
  ],
});

export const setEnforcement = operation({
  name: "enforcement.set",
  summary: "Let git's hooks refuse commits and ref changes in worktrees that others hold",
  access: "write",
  // How a repository is worked on is decided by people.
  agents: null,
  params: z.object({ ...repositoryParam, on: z.boolean() }),
  result: z.object({ enforcement }),
  cli: [
    {
      command: "enforce on",
      summary: "Let git refuse changes in worktrees that others hold",
      fixed: { on: true },
      examples: ["imi enforce on"],
    },
    {
      command: "enforce off",
      summary: "Take iMi's hooks away and put back what was there",
      fixed: { on: false },
      examples: ["imi enforce off"],
    },
  ],
});
