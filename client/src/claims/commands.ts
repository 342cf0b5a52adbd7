import { commands, l10n, window } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Actions } from "../commands.ts";
import { calledOn } from "../focused.ts";
import { textIn } from "../given.ts";
import { worktreesIn } from "../worktrees/commands.ts";
import { pickWorktree } from "../worktrees/pick.ts";
import { currentWorktree } from "../worktrees/status-bar.ts";
import { cancelled } from "../worktrees/steps.ts";
import type { WorktreeTree } from "../worktrees/tree.ts";
import { chooseAction } from "./actions.ts";
import type { AgentNode, AgentsView } from "./agents-view.ts";
import { type ClaimTools, type Said, claimWorktree, repositoryPath, waitForWorktree } from "./claim.ts";
import type { Holding } from "./holding.ts";
import { heldInWords } from "./labels.ts";
import { takeOverClaim } from "./take-over.ts";

type Name =
  | "imi.claimWorktree"
  | "imi.waitForWorktree"
  | "imi.releaseClaim"
  | "imi.takeOverClaim"
  | "imi.claimActions"
  | "imi.showAgents"
  | "imi.revealAgentWorktree";

/** Which worktree a command is meant for, where none was named. */
interface Question {
  readonly question: string;
  /** What is said where none comes into question. */
  readonly none: string;
  readonly which: (holding: Holding) => boolean;
}

/** What the user holds under his name on the command line he can go on with here. */
const toClaim = (lastAgent: string | undefined): Question => ({
  question: l10n.t("Claim which worktree?"),
  none: l10n.t("No worktree of this window is free."),
  which: (holding) => {
    if (holding.by === "other") return holding.claim.agent === lastAgent;
    return holding.by !== "me";
  },
});
const toWaitFor = (): Question => ({
  question: l10n.t("Wait for which worktree?"),
  none: l10n.t("Nobody else holds a worktree of this window."),
  which: ({ by }) => by === "other" || by === "expired",
});
const toRelease = (): Question => ({
  question: l10n.t("Release the claim of which worktree?"),
  none: l10n.t("You hold no worktree of this window."),
  which: ({ by }) => by === "me",
});
const toTakeOver = (): Question => ({
  question: l10n.t("Take over which worktree?"),
  none: l10n.t("Nobody else holds a worktree of this window."),
  which: ({ by }) => by === "other" || by === "expired",
});

/**
 * The commands on claims. Each takes what a row of *Worktrees* or *Agents* passes, or an object that names a worktree
 * (`{ name, repository? }` or `{ id }`, and who asks: `{ agent?, task? }`), or nothing, and then asks.
 */
export function claimActions(tools: ClaimTools, tree: WorktreeTree, agentsView: AgentsView): Pick<Actions, Name> {
  const { connection, list, kept } = tools;
  /** The one worktree that is meant; where none is named, `which` of them come into question. */
  const target = async (args: readonly unknown[], { question, none, which }: Question): Promise<Worktree> => {
    await list.ready();
    const given = await worktreeGiven(args);
    if (given !== null) return given;
    const comes = (each: Worktree): boolean =>
      (each.state === "ready" || each.state === "missing") && which(list.holding(each));
    const [first, ...more] = list.worktrees().filter(comes);
    if (first === undefined) throw new ImiError("worktree/not-found", none);
    if (more.length === 0 && list.holding(first).by === "me") return first;
    const picked = await pickWorktree(list, question, comes);
    if (picked === undefined) throw cancelled();
    return picked;
  };
  const worktreeGiven = async (args: readonly unknown[]): Promise<Worktree | null> => {
    const [first] = args;
    if (isAgentNode(first)) return agentsView.worktreeOf(first) ?? null;
    const id = textIn(first, "id");
    const byId = id === undefined ? undefined : list.get(id);
    if (byId !== undefined) return byId;
    // A row that VS Code forgot could be one of either view: it is asked which is meant.
    if (args.length > 0 && first === undefined && agentsView.view.visible) return null;
    return worktreesIn(await calledOn(tree.view, args), list)?.[0] ?? null;
  };

  return {
    "imi.claimWorktree": async (...args) =>
      claimWorktree(tools, await target(args, toClaim(kept.lastAgent)), saidIn(args[0])),
    "imi.waitForWorktree": async (...args) => waitForWorktree(tools, await target(args, toWaitFor()), saidIn(args[0])),
    "imi.releaseClaim": async (...args) => {
      const worktree = await target(args, toRelease());
      const held = kept.get(worktree.id);
      if (held === undefined) throw notYours(worktree, list.holding(worktree));
      const { agent, token } = held;
      // Forgotten first: the event of the release is nobody's loss.
      await kept.forget(worktree.id);
      const request = { repository: repositoryPath(list, worktree), name: worktree.name, agent, token };
      try {
        await connection.request("claim.release", request);
      } catch (error) {
        if (!ImiError.is(error, "claim/stale")) await kept.restore(worktree.id, held);
        throw error;
      }
      window.setStatusBarMessage(l10n.t("You no longer hold {0}.", worktree.name), 5000);
    },
    "imi.takeOverClaim": async (...args) => takeOverClaim(tools, await target(args, toTakeOver()), saidIn(args[0])),
    "imi.claimActions": async (...args) => {
      await list.ready();
      const worktree = (await worktreeGiven(args)) ?? currentWorktree(list);
      if (worktree === undefined) {
        throw new ImiError("worktree/not-found", l10n.t("This window is in no worktree."));
      }
      await chooseAction(worktree, list.holding(worktree), kept.lastAgent);
    },
    "imi.showAgents": async () => {
      await list.ready();
      await commands.executeCommand("imi.agents.focus");
    },
    "imi.revealAgentWorktree": async (node) => {
      const worktree = isAgentNode(node) ? agentsView.worktreeOf(node) : undefined;
      if (worktree === undefined) {
        throw new ImiError("worktree/not-found", l10n.t("This agent holds no worktree of this window."), {
          hint: l10n.t("Open a folder of its repository to see it."),
        });
      }
      await tree.view.reveal(tree.nodeOf(worktree), { select: true, focus: true });
    },
  };
}

function notYours(worktree: Worktree, holding: Holding): ImiError {
  const words = heldInWords(holding) ?? l10n.t("nobody holds it");
  return new ImiError("claim/stale", l10n.t("You hold no claim of {0}: {1}.", worktree.name, words), {
    hint: l10n.t("A claim of the command line is released there; one of somebody else can be taken over."),
  });
}

function saidIn(given: unknown): Said {
  return { agent: textIn(given, "agent"), task: textIn(given, "task") };
}

function isAgentNode(value: unknown): value is AgentNode {
  return textIn(value, "kind") === "agent" && textIn(value, "id") !== undefined;
}
