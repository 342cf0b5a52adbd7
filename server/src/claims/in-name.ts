import { ImiError } from "../../../protocol/errors.ts";
import type { Holder } from "../store/index.ts";

/** As the contract's `agentIdPattern`; the command line checks no patterns, and its bundle holds no zod. */
const agentId = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,99}$/u;

export const requireAgent = (agent: string | undefined): string => {
  if (agent === undefined) {
    throw new ImiError("usage/invalid", "It was not said who this is for.", {
      hint: "Add --agent ID, or set IMI_AGENT_ID.",
    });
  }
  if (agentId.test(agent)) return agent;
  throw new ImiError("agent/invalid", `${JSON.stringify(agent)} cannot be an agent's id.`, {
    hint: "Letters, digits and . _ : @ / + - are allowed, up to 100 of them, beginning with a letter or digit.",
  });
};

export const requireToken = (token: number | undefined): number => {
  if (token !== undefined) return token;
  throw new ImiError("usage/invalid", "The claim's token is missing.", {
    hint: "Add --token N, as `imi claim` printed it, or set IMI_CLAIM_TOKEN.",
  });
};

/**
 * In whose name something is done to a worktree, by options or else by the environment (IMI_AGENT_ID, IMI_CLAIM_TOKEN);
 * null for nobody's.
 */
export const holderSaid = (
  params: { readonly agent?: string | undefined; readonly token?: number | undefined },
  env: NodeJS.ProcessEnv,
): Holder | null => {
  const fromEnv = inEnvironment(env);
  const agent = params.agent ?? fromEnv.agent;
  const token = params.token ?? fromEnv.token;
  if (agent === undefined || token === undefined) {
    if (params.agent === undefined && params.token === undefined) return null;
    if (agent === undefined) requireAgent(agent);
    requireToken(token);
    return null;
  }
  const said = params.agent === undefined && params.token === undefined ? "environment" : "option";
  return { agent: requireAgent(agent), token, said };
};

/** What a shell exports for the programs in it. Raises usage/invalid for a token that is no number. */
export const inEnvironment = (
  env: NodeJS.ProcessEnv,
): { readonly agent: string | undefined; readonly token: number | undefined } => {
  const agent = env["IMI_AGENT_ID"];
  const token = env["IMI_CLAIM_TOKEN"];
  if (token !== undefined && token !== "" && !(/^[1-9]\d{0,15}$/u.test(token) && Number.isSafeInteger(Number(token)))) {
    throw new ImiError("usage/invalid", `IMI_CLAIM_TOKEN is ${JSON.stringify(token)}, which is no token.`, {
      hint: "Set it to the number that `imi claim` printed, or unset it.",
    });
  }
  return {
    agent: agent === "" ? undefined : agent,
    token: token === undefined || token === "" ? undefined : Number(token),
  };
};
