import type { AgentKind } from "../../../protocol/claims.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Wish } from "../store/index.ts";
import { requireAgent } from "./in-name.ts";
import type { Place, Tools } from "./index.ts";
import { signOf } from "./signs.ts";

/** Longest a claim may last without a sign of life, in seconds. */
const longest = 7 * 24 * 60 * 60;

interface Asked {
  readonly agent?: string | undefined;
  readonly ttl?: number | undefined;
  readonly task?: string | undefined;
  readonly pid?: number | undefined;
  readonly kind?: AgentKind | undefined;
  readonly provider?: string | undefined;
}

/** What is asked for, checked. Raises usage/invalid, agent/invalid. */
export const wishOf = async (tools: Tools, asked: Asked, place: Place): Promise<Wish> => {
  const agent = requireAgent(asked.agent);
  const process = asked.pid === undefined ? null : await tools.store.claims.here.lifeOf(asked.pid);
  if (asked.pid !== undefined && process === null) {
    throw new ImiError("usage/invalid", `There is no process ${asked.pid}.`, {
      hint: "Give --pid of the process that holds the worktree, such as $$ in a shell; without it the claim lasts for its --ttl.",
    });
  }
  return {
    ...{ agent, process, ttlMs: secondsFor(tools, asked.ttl) * 1000, sign: await signOf(tools, place) },
    ...{ task: asked.task ?? null, kind: asked.kind ?? null, provider: asked.provider ?? null },
  };
};

/** For a worktree that is made or opened for an agent. Raises agent/invalid, usage/invalid. */
export const wishFor = async (tools: Tools, agent: string, place: Place): Promise<Wish> => ({
  ...{ agent: requireAgent(agent), process: null, ttlMs: secondsFor(tools, undefined) * 1000 },
  sign: await signOf(tools, place),
  ...{ task: null, kind: null, provider: null },
});

/** Whether a worktree may be claimed for this agent at all, before it is made. Raises agent/invalid, usage/invalid. */
export const check = (tools: Tools, agent: string): void => {
  requireAgent(agent);
  secondsFor(tools, undefined);
};

const secondsFor = (tools: Tools, asked: number | undefined): number => {
  const seconds = asked ?? tools.settings().claimSeconds;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= longest) return seconds;
  throw new ImiError("usage/invalid", `A claim cannot last for ${seconds} seconds.`, {
    hint: `Give --ttl, or set claim_settings.ttl_seconds, to 1 to ${longest}.`,
  });
};
