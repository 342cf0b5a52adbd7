import { l10n } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { calledOn } from "../focused.ts";
import { textIn } from "../given.ts";
import { worktreesIn } from "../worktrees/commands.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { pickWorktree } from "../worktrees/pick.ts";
import { cancelled } from "../worktrees/steps.ts";
import type { WorktreeTree } from "../worktrees/tree.ts";
import type { AgentNode, AgentsView } from "./agents-view.ts";
import type { Holding } from "./holding.ts";

/** Which worktree a command is meant for, where none was named. */
export interface Question {
  readonly question: string;
  /** What is said where none comes into question. */
  readonly none: string;
  readonly which: (holding: Holding) => boolean;
}

/** What the user holds under his name on the command line he can go on with here. */
export const toClaim = (lastAgent: string | undefined): Question => ({
  question: l10n.t("Claim which worktree?"),
  none: l10n.t("No worktree of this window is free."),
  which: (holding) => {
    if (holding.by === "other") return holding.claim.agent === lastAgent;
    return holding.by !== "me";
  },
});

export const toWaitFor = (): Question => ({
  question: l10n.t("Wait for which worktree?"),
  none: l10n.t("Nobody else holds a worktree of this window."),
  which: ({ by }) => by === "other" || by === "expired",
});

export const toRelease = (): Question => ({
  question: l10n.t("Release the claim of which worktree?"),
  none: l10n.t("You hold no worktree of this window."),
  which: ({ by }) => by === "me",
});

export const toTakeOver = (): Question => ({
  question: l10n.t("Take over which worktree?"),
  none: l10n.t("Nobody else holds a worktree of this window."),
  which: ({ by }) => by === "other" || by === "expired",
});

/** Finds the one worktree that a command on claims is meant for. */
export class WhichWorktree {
  readonly #list: WorktreeList;
  readonly #tree: WorktreeTree;
  readonly #agents: AgentsView;

  constructor(list: WorktreeList, tree: WorktreeTree, agents: AgentsView) {
    this.#list = list;
    this.#tree = tree;
    this.#agents = agents;
  }

  /** What the command was called on; null where that is none. */
  async given(args: readonly unknown[]): Promise<Worktree | null> {
    const [first] = args;
    if (isAgentNode(first)) return this.#agents.worktreeOf(first) ?? null;
    const id = textIn(first, "id");
    const byId = id === undefined ? undefined : this.#list.get(id);
    if (byId !== undefined) return byId;
    // A row that VS Code forgot could be one of either view: it is asked which is meant.
    if (args.length > 0 && first === undefined && this.#agents.view.visible) return null;
    return worktreesIn(await calledOn(this.#tree.view, args), this.#list)?.[0] ?? null;
  }

  /** The same; where that is none, the user chooses among those that come into question. Rejects where there is none. */
  async asked(args: readonly unknown[], { question, none, which }: Question): Promise<Worktree> {
    await this.#list.ready();
    const given = await this.given(args);
    if (given !== null) return given;
    const comes = (each: Worktree): boolean =>
      (each.state === "ready" || each.state === "missing") && which(this.#list.holding(each));
    const [first, ...more] = this.#list.worktrees().filter(comes);
    if (first === undefined) throw new ImiError("worktree/not-found", none);
    if (more.length === 0 && this.#list.holding(first).by === "me") return first;
    const picked = await pickWorktree(this.#list, question, comes);
    if (picked === undefined) throw cancelled();
    return picked;
  }
}

export function isAgentNode(value: unknown): value is AgentNode {
  return textIn(value, "kind") === "agent" && textIn(value, "id") !== undefined;
}
