import { type Disposable, MarkdownString, StatusBarAlignment, ThemeColor, l10n, window } from "vscode";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import type { CommandId } from "../tables.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { currentWorktree } from "../worktrees/status-bar.ts";
import type { MinuteClock } from "./clock.ts";
import { heldInWords, holdingIcon, holdingLines } from "./labels.ts";
import { untilLess } from "./times.ts";

/** Says beside the window's worktree who holds it and for how long; there is nothing where nobody does. */
export class ClaimStatusBar implements Disposable {
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #clock: MinuteClock;
  readonly #scope = new Disposables();
  // Right of the worktree's own item.
  readonly #item = this.#scope.add(window.createStatusBarItem("imi.claim", StatusBarAlignment.Left, 89.9));
  #text: string | null = null;

  constructor(connection: Connection, list: WorktreeList, clock: MinuteClock) {
    this.#connection = connection;
    this.#list = list;
    this.#clock = clock;
    this.#item.name = l10n.t("iMi Claim");
    this.#item.command = "imi.claimActions" satisfies CommandId;
    this.#scope.add(list.onDidChange(() => this.#show()));
    this.#scope.add(connection.onDidChangeState(() => this.#show()));
    this.#scope.add(window.onDidChangeActiveTextEditor(() => this.#show()));
    this.#scope.add(clock.onDidTick(() => this.#show()));
    clock.want("status bar", () => {
      const claim = this.#shown?.claim ?? null;
      return claim === null ? [] : [untilLess(claim.expiresAt, Date.now())];
    });
    this.#show();
  }

  /** What stands in the status bar; null when nothing does. */
  get text(): string | null {
    return this.#text;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  get #shown(): Worktree | undefined {
    return this.#connection.state === "running" ? currentWorktree(this.#list) : undefined;
  }

  #show(): void {
    const worktree = this.#shown;
    const holding = worktree === undefined ? undefined : this.#list.holding(worktree);
    const words = holding === undefined ? null : heldInWords(holding);
    const before = this.#text;
    this.#text = words;
    if (worktree === undefined || holding === undefined || holding.by === "nobody" || words === null) {
      this.#item.hide();
    } else {
      this.#item.text = `$(${holdingIcon(holding.by)}) ${words}`;
      const tooltip = new MarkdownString("", true).appendText(worktree.name);
      for (const [name, value] of holdingLines(holding)) tooltip.appendMarkdown(`\n\n**${name}** `).appendText(value);
      this.#item.tooltip = tooltip.appendMarkdown("\n\n").appendText(l10n.t("Click for what can be done."));
      this.#item.backgroundColor =
        holding.by === "other" ? new ThemeColor("statusBarItem.warningBackground") : undefined;
      this.#item.accessibilityInformation = { label: `${worktree.name}, ${words}`, role: "button" };
      this.#item.show();
    }
    if (before !== words) this.#clock.look();
  }
}
