import { Uri, l10n, window } from "vscode";
import os from "node:os";
import type { Claim } from "../../../protocol/claims.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { userName } from "../git-extension.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { cancelled } from "../worktrees/steps.ts";
import { agentId, suggestedId } from "./agent-id.ts";
import type { AgentList } from "./agent-list.ts";
import type { KeptClaims } from "./kept-claims.ts";
import { clockTime, holderInWords } from "./labels.ts";
import { sayWith } from "./say.ts";
import { longestWait } from "./times.ts";

export interface ClaimTools {
  readonly connection: Connection;
  readonly list: WorktreeList;
  readonly agents: AgentList;
  readonly kept: KeptClaims;
}

/** What a program may say instead of being asked. */
export interface Said {
  readonly agent?: string | undefined;
  readonly task?: string | undefined;
}

/**
 * Claims a worktree in the user's name, which is asked for. Where somebody else holds it, a notification says who and
 * offers what can be done; null then.
 */
export async function claimWorktree(tools: ClaimTools, worktree: Worktree, said: Said): Promise<Claim | null> {
  const agent = said.agent ?? (await askAgent(tools, worktree));
  try {
    const claim = await take(tools, worktree, { ...said, agent });
    tellTaken(worktree, claim);
    return claim;
  } catch (error) {
    if (!ImiError.is(error, "claim/held")) throw error;
    await tools.list.reread(worktree);
    offerInstead(tools.list.get(worktree.id) ?? worktree, { ...said, agent }, error);
    return null;
  }
}

/** Waits in the queue for a worktree, for as long as it takes or until the user cancels, and claims it. */
export async function waitForWorktree(tools: ClaimTools, worktree: Worktree, said: Said): Promise<Claim> {
  const agent = said.agent ?? (await askAgent(tools, worktree));
  const claim = await withProgress(l10n.t("Waiting until {0} is free", worktree.name), async ({ token }) => {
    const request = { ...(await aboutAgent(tools, worktree, { ...said, agent })), wait: longestWait };
    return (await tools.connection.request("claim.take", request, { token })).claim;
  });
  await tools.kept.keep(worktree, repositoryPath(tools.list, worktree), claim);
  tellTaken(worktree, claim);
  return claim;
}

async function take(tools: ClaimTools, worktree: Worktree, said: Said & { readonly agent: string }): Promise<Claim> {
  const request = await aboutAgent(tools, worktree, said);
  const { claim } = await tools.connection.request("claim.take", request);
  await tools.kept.keep(worktree, repositoryPath(tools.list, worktree), claim);
  return claim;
}

/** An agent of this name may be known already as what it is; a new one that is named here is a person. */
export async function aboutAgent(
  { agents, list }: ClaimTools,
  worktree: Worktree,
  { agent, task }: Said & { readonly agent: string },
): Promise<{ repository: string; name: string; agent: string; task?: string; kind?: "human" }> {
  const known = (await agents.fresh()).some(({ id }) => id === agent);
  return {
    repository: repositoryPath(list, worktree),
    name: worktree.name,
    agent,
    ...(task === undefined ? {} : { task }),
    ...(known ? {} : { kind: "human" }),
  };
}

export function repositoryPath(list: WorktreeList, worktree: Worktree): string {
  const repository = list.repositoryOf(worktree);
  return repository === undefined ? worktree.path : pathIn(repository);
}

/** The name claims are taken in: the last answer, at first made from git's or the system's name of the user. */
export async function askAgent({ kept }: ClaimTools, worktree: Worktree): Promise<string> {
  const value = kept.lastAgent ?? suggestedId(await userName(Uri.file(worktree.path)), systemName());
  const answer = await window.showInputBox({
    title: l10n.t("Claim {0}", worktree.name),
    prompt: l10n.t("Who are you? Others see this name on the worktree."),
    value,
    ignoreFocusOut: true,
    validateInput: (text) => {
      if (agentId.test(text.trim())) return undefined;
      return l10n.t("Letters, digits and . _ : @ / + - are allowed, beginning with a letter or digit.");
    },
  });
  if (answer === undefined) throw cancelled();
  return answer.trim();
}

function systemName(): string | undefined {
  try {
    return os.userInfo().username;
  } catch {
    return undefined; // a container may run as a user it has no name for
  }
}

function tellTaken(worktree: Worktree, { agent, expiresAt }: Claim): void {
  const until = clockTime(expiresAt);
  const told = l10n.t(
    "You hold {0} as {1} until {2}, renewed while this window is open.",
    ...[worktree.name, agent, until],
  );
  sayWith(window.showInformationMessage, told, [[l10n.t("Release"), "imi.releaseClaim", { id: worktree.id }]]);
}

function offerInstead(worktree: Worktree, said: Said, error: ImiError): void {
  const { claim } = worktree;
  // Where nobody holds it any more, others wait for it: the server's sentence says so.
  const told = claim === null ? error.message : l10n.t("{0} is not free: {1}", worktree.name, holderInWords(claim));
  sayWith(window.showWarningMessage, told, [
    [l10n.t("Wait for It"), "imi.waitForWorktree", { id: worktree.id, ...said }],
    ...(claim === null ? [] : [[l10n.t("Take Over…"), "imi.takeOverClaim", { id: worktree.id, ...said }] as const]),
    [l10n.t("Open Another Worktree"), "imi.pickWorktree"],
  ]);
}
