import { type Disposable, MarkdownString, StatusBarAlignment, ThemeColor, l10n, window } from "vscode";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import type { CommandId } from "../tables.ts";
import { operationInWords, spoken, stateInWords, statusInWords } from "./labels.ts";
import { type WorktreeList, dirtyCount, isKnown } from "./list.ts";

/** The worktree this window is in: with several the active editor's, else that of its first folder. */
export function currentWorktree(list: WorktreeList): Worktree | undefined {
  const active = window.activeTextEditor?.document.uri;
  const edited = active?.scheme === "file" ? list.at(active.fsPath) : undefined;
  const [first] = list.openHere;
  return edited ?? (first === undefined ? undefined : list.get(first));
}

/** Says which worktree this window (with several: the active editor) is in, and how many files are not committed. */
export class WorktreeStatusBar implements Disposable {
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #item = this.#scope.add(window.createStatusBarItem("imi.worktree", StatusBarAlignment.Left, 90));

  constructor(connection: Connection, list: WorktreeList) {
    this.#connection = connection;
    this.#list = list;
    this.#item.name = l10n.t("iMi Worktree");
    this.#scope.add(list.onDidChange(() => this.#show()));
    this.#scope.add(connection.onDidChangeState(() => this.#show()));
    this.#scope.add(window.onDidChangeActiveTextEditor(() => this.#show()));
    list.want("status bar", () => list.openHere);
    this.#show();
  }

  /** What stands in the status bar; null when nothing does. */
  get text(): string | null {
    return currentWorktree(this.#list) === undefined && this.#connection.state === "running" ? null : this.#item.text;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #show(): void {
    switch (this.#connection.state) {
      case "running":
        this.#showWorktree(currentWorktree(this.#list));
        return;
      case "starting":
        this.#say("$(loading~spin) iMi", l10n.t("The iMi server is starting."), "imi.showLog");
        return;
      case "stopped":
        this.#say(
          "$(debug-disconnect) iMi",
          l10n.t("The iMi server is stopped. Click to start it."),
          "imi.restartServer",
        );
        return;
      case "failed": {
        const why = this.#connection.failure;
        this.#say("$(warning) iMi", `${why?.message ?? ""} ${why?.hint ?? ""}`.trim(), "imi.showDiagnostics");
        this.#item.backgroundColor = new ThemeColor("statusBarItem.warningBackground");
        return;
      }
    }
  }

  #showWorktree(worktree: Worktree | undefined): void {
    if (worktree === undefined) {
      this.#item.hide();
      return;
    }
    const { status } = worktree;
    const dirty = isKnown(status) && dirtyCount(status) > 0 ? ` ●${dirtyCount(status)}` : "";
    const unknown = status !== undefined && !isKnown(status) ? " ?" : "";
    const words = stateInWords(worktree) ?? operationInWords(worktree);
    const text = `$(${worktree.state === "missing" ? "warning" : "list-tree"}) ${worktree.name}${dirty}${unknown}`;
    const tooltip = new MarkdownString()
      .appendText(l10n.t("Worktree {0}", worktree.name))
      .appendText(`\n${[...statusInWords(worktree), ...(words === null ? [] : [words])].join(", ")}`)
      .appendText(`\n${worktree.path}`);
    this.#say(words === null ? text : `${text} (${words})`, tooltip, "imi.pickWorktree");
    // Who holds it stands in an item of its own, claims/status-bar.ts.
    this.#item.accessibilityInformation = { label: spoken(worktree, "this window", { by: "nobody" }), role: "button" };
  }

  #say(text: string, tooltip: string | MarkdownString, command: CommandId): void {
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.command = command;
    this.#item.backgroundColor = undefined;
    this.#item.accessibilityInformation = undefined;
    this.#item.show();
  }
}
