import { type Memento, commands, l10n, window } from "vscode";
import { ImiError } from "../../../../protocol/errors.ts";
import { show } from "../../commands.ts";
import type { Connection } from "../../connection.ts";
import type { CommandId } from "../../tables.ts";
import { type Restorable, restore } from "../../trash/restore.ts";
import type { WorktreeList } from "../list.ts";

/** A worktree that is in the trash now. */
export interface Removed extends Restorable {
  readonly branch: string | null;
}

interface Kept {
  readonly at: number;
  readonly removed: readonly Removed[];
  readonly notes: readonly string[];
}

const key = "imi.removed";

/** After a restart of the extensions the notice comes again; what is older than this was seen or is in the trash anyway. */
const freshMs = 120_000;

/** More than this many are counted, not named. */
const mostNamed = 5;

/** Says what was removed, with *Undo*. */
export class RemovalNotice {
  readonly #state: Memento;
  readonly #connection: Connection;
  readonly #list: WorktreeList;

  constructor(state: Memento, connection: Connection, list: WorktreeList) {
    this.#state = state;
    this.#connection = connection;
    this.#list = list;
  }

  /** Resolves at once; the notification stays until the user is done with it. */
  tell(removed: readonly Removed[], notes: readonly string[]): void {
    if (removed.length === 0) return;
    this.#offer(removed, notes).catch((error: unknown) => void show(ImiError.from(error), this.#connection));
  }

  /** For a step that restarts the extensions: the notice is told by the next life of this one. */
  async keepForRestart(removed: readonly Removed[], notes: readonly string[]): Promise<void> {
    await this.#state.update(key, { at: Date.now(), removed, notes } satisfies Kept);
  }

  /** Tells what was kept for a restart, once. */
  async resume(): Promise<void> {
    const found = this.#state.get<Kept>(key);
    if (found === undefined) return;
    await this.#state.update(key, undefined);
    if (Date.now() - found.at < freshMs) this.tell(found.removed, found.notes);
  }

  async #offer(removed: readonly Removed[], notes: readonly string[]): Promise<void> {
    const undo = l10n.t("Undo");
    const trash = l10n.t("Show Trash");
    const text = [told(removed), ...notes].join(" ");
    const chosen = await window.showInformationMessage(text, undo, trash);
    if (chosen === undo) await restore(this.#connection, this.#list, removed);
    if (chosen === trash) await commands.executeCommand("imi.showTrash" satisfies CommandId);
  }
}

function told(removed: readonly Removed[]): string {
  const [first] = removed;
  if (first !== undefined && removed.length === 1) {
    return first.branch === null
      ? l10n.t("{0} is removed.", first.name)
      : l10n.t("{0} is removed; its branch {1} stays.", first.name, first.branch);
  }
  const names = removed.map(({ name }) => name);
  return names.length > mostNamed
    ? l10n.t("{0} worktrees are removed; their branches stay.", names.length)
    : l10n.t("{0} are removed; their branches stay.", names.join(", "));
}
