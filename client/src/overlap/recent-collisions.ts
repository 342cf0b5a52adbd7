import { type Disposable, EventEmitter, commands, l10n, window } from "vscode";
import { printable } from "../amounts.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { agentsInWords } from "./labels.ts";
import { type Collision, SameFiles } from "./same-files.ts";

/** How much of the log is looked through for what was told lately. */
const readAtMost = 1000;

/**
 * Files that two agents changed within a minute, as the log tells it, in the repositories of this window. A warning is
 * shown only where a worktree of this window is one of them; the rest is there for who looks.
 */
export class RecentCollisions implements Disposable {
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly #files = new SameFiles();
  #timer: NodeJS.Timeout | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, list: WorktreeList) {
    this.#connection = connection;
    this.#list = list;
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // What happened before this window was there, or while it had no server: shown, and nobody is warned of it.
        if (state === "running") void this.#readLog();
      }),
    );
    // What came before the window knew its repositories.
    this.#scope.add(list.onDidChange(({ kind }) => kind === "structure" && this.all.length > 0 && this.#show()));
    this.#scope.add(
      connection.onEvents((events) => {
        const found = this.#files.take(events).filter((each) => this.#isOfThisWindow(each));
        if (found.length === 0) return;
        this.#show();
        for (const each of found) if (this.#isHere(each)) this.#warn(each);
      }),
    );
  }

  /** The latest first. */
  get all(): readonly Collision[] {
    return this.#files.all(Date.now()).filter((each) => this.#isOfThisWindow(each));
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#scope.dispose();
  }

  async #readLog(): Promise<void> {
    try {
      const { events } = await this.#connection.request("event.list", { newest: true, limit: readAtMost });
      if (this.#files.take(events).length > 0) this.#show();
    } catch (error) {
      this.#connection.log.info(`The log was not read for files that several changed: ${String(error)}`);
    }
  }

  #show(): void {
    this.#changed.fire();
    this.#awaitEnd();
  }

  #isOfThisWindow({ repository }: Collision): boolean {
    return this.#list.repositories.some(({ id }) => id === repository);
  }

  #isHere({ repository, agents }: Collision): boolean {
    const names = new Set(agents.map(({ worktree }) => worktree));
    return this.#list.worktrees(repository).some(({ id, name }) => names.has(name) && this.#list.openHere.has(id));
  }

  #awaitEnd(): void {
    clearTimeout(this.#timer);
    const left = this.#files.untilNextEnds(Date.now());
    if (left === null) return;
    this.#timer = setTimeout(() => {
      this.#changed.fire();
      this.#awaitEnd();
    }, left + 50);
  }

  #warn(collision: Collision): void {
    if (!this.#files.toWarn(collision, Date.now())) return;
    const show = l10n.t("Show");
    const told = l10n.t(
      "{0} was changed by several within a minute: {1}.",
      printable(collision.file),
      agentsInWords(collision),
    );
    const { repository, file } = collision;
    void window.showWarningMessage(told, show).then((chosen) => {
      if (chosen === show) void commands.executeCommand("imi.showConflicts", { kind: "collision", repository, file });
    });
  }
}
