import { type Disposable, type TextDocument, type TextDocumentChangeEvent, l10n, window, workspace } from "vscode";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { Disposables } from "../disposables.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { clockTime } from "./labels.ts";
import { sayWith } from "./say.ts";

/**
 * Warns at the user's first edit in a worktree that somebody else holds, once for each holder of a worktree. It never
 * stands in the way of typing: a document is looked at anew only when something changed in the list since.
 */
export class FirstEditWarning implements Disposable {
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #told = new Set<string>();
  readonly #looked = new WeakMap<TextDocument, number>();
  #changes = 0;

  constructor(list: WorktreeList) {
    this.#list = list;
    this.#scope.add(list.onDidChange(() => (this.#changes += 1)));
    this.#scope.add(workspace.onDidChangeTextDocument((change) => this.#look(change)));
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #look({ document, contentChanges }: TextDocumentChangeEvent): void {
    // A document that shows what somebody wrote to the disk changes too, and is not dirty by it.
    if (document.uri.scheme !== "file" || contentChanges.length === 0 || !document.isDirty) return;
    if (this.#looked.get(document) === this.#changes) return;
    this.#looked.set(document, this.#changes);
    const worktree = this.#list.at(document.uri.fsPath);
    if (worktree === undefined || worktree.claim === null) return;
    switch (this.#list.holding(worktree).by) {
      case "nobody":
      case "me":
        return;
      case "other":
        this.#tellOnce(worktree);
        return;
      case "expired":
        // It may have been renewed: look before saying anything.
        void this.#list.reread(worktree).then(() => {
          const now = this.#list.get(worktree.id);
          if (now !== undefined && this.#list.holding(now).by === "other") this.#tellOnce(now);
        });
    }
  }

  #tellOnce({ id, name, claim }: Worktree): void {
    if (claim === null) return;
    const key = `${id} ${claim.agent}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const told = l10n.t(
      "{0} is held by {1} until {2}. Your edits and its may collide.",
      ...[name, claim.agent, clockTime(claim.expiresAt)],
    );
    sayWith(window.showWarningMessage, told, [
      [l10n.t("Open Another Worktree"), "imi.pickWorktree"],
      [l10n.t("Take Over…"), "imi.takeOverClaim", { id }],
      [l10n.t("Edit Anyway"), null],
    ]);
  }
}
