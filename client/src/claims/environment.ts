import { type Disposable, type ExtensionContext, type GlobalEnvironmentVariableCollection, l10n } from "vscode";
import { Disposables } from "../disposables.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import type { KeptClaims } from "./kept-claims.ts";

const variable = "IMI_CLAIMS";

/**
 * Shows this window's claims to git's hooks, which refuse everybody else where `imi enforce` is on. What Source Control
 * runs gets them by this process's environment, for VS Code's Git extension offers no other way; terminals get them as
 * theirs, those that are opened from then on.
 */
export class ClaimEnvironment implements Disposable {
  readonly #terminals: GlobalEnvironmentVariableCollection;
  readonly #list: WorktreeList;
  readonly #kept: KeptClaims;
  readonly #scope = new Disposables();
  #shown = "";

  constructor(context: ExtensionContext, list: WorktreeList, kept: KeptClaims) {
    this.#terminals = context.environmentVariableCollection;
    this.#list = list;
    this.#kept = kept;
    this.#scope.add(kept.onDidChange(() => this.#show()));
    this.#scope.add(list.onDidChange(() => this.#show()));
    this.#show();
  }

  dispose(): void {
    delete process.env[variable];
    this.#scope.dispose();
  }

  #show(): void {
    // A new claim has another token and gets no way in by the old one, so those that are lost need not be looked for.
    const claims = [...this.#kept.ofWindow(this.#list.openHere).values()];
    const text = claims.map(({ agent, token }) => `${agent}:${token}`).join(" ");
    if (text === this.#shown) return;
    this.#shown = text;
    if (text === "") {
      delete process.env[variable];
      this.#terminals.delete(variable);
      return;
    }
    process.env[variable] = text;
    this.#terminals.replace(variable, text, { applyAtProcessCreation: true });
    this.#terminals.description = l10n.t("Adds the command line `imi`, and shows git the claims of this window");
  }
}
