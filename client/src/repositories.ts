import { type Disposable, EventEmitter, type WorkspaceFolder, workspace } from "vscode";
import { realpath } from "node:fs/promises";
import { ImiError } from "../../protocol/errors.ts";
import type { Repository } from "../../protocol/repositories.ts";
import type { Connection } from "./connection.ts";
import { setContext } from "./context-keys.ts";
import { Disposables } from "./disposables.ts";

/** A folder of this window and what the server said about it; null while it is asked. */
interface Folder {
  readonly path: string;
  readonly found: Repository | ImiError | null;
}

/**
 * The repositories this window's folders belong to. A folder that comes is opened and one that goes is dropped; what is
 * open stays as it is, so opening a worktree restarts nothing.
 */
export class Repositories implements Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly #folders = new Map<string, Folder>();
  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#scope.add(workspace.onDidChangeWorkspaceFolders(({ added, removed }) => this.#follow(added, removed)));
    this.#scope.add(
      connection.onDidChangeState((state) => {
        if (state === "running") this.#reopen(() => true);
        else this.#publish();
      }),
    );
    for (const folder of workspace.workspaceFolders ?? []) this.#add(folder);
    this.#publish();
  }

  /** Each repository once, in the order of the window's folders. */
  get all(): readonly Repository[] {
    const byId = new Map<string, Repository>();
    for (const { found } of this.#inOrder()) {
      if (found !== null && !(found instanceof ImiError) && !byId.has(found.id)) byId.set(found.id, found);
    }
    return [...byId.values()];
  }

  /** Absolute paths of the window's folders, with links resolved, in their order. */
  get folders(): readonly string[] {
    return this.#inOrder().map((each) => each.path);
  }

  /** Whether the server has yet to say about a folder. */
  get opening(): boolean {
    return this.#inOrder().some(({ found }) => found === null);
  }

  /** Why a folder could not be opened, when the reason is not simply that there is no repository. */
  get failure(): ImiError | null {
    const failures = this.#inOrder().flatMap(({ found }) => (found instanceof ImiError ? [found] : []));
    return failures.find((each) => each.code !== "repository/not-found") ?? null;
  }

  /** Asks again about folders that had no repository: somebody may have made one. */
  retry(): void {
    this.#reopen((folder) => folder.found instanceof ImiError);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #inOrder(): readonly Folder[] {
    return (workspace.workspaceFolders ?? []).flatMap(({ uri }) => this.#folders.get(uri.toString()) ?? []);
  }

  #follow(added: readonly WorkspaceFolder[], removed: readonly WorkspaceFolder[]): void {
    for (const { uri } of removed) this.#folders.delete(uri.toString());
    for (const folder of added) this.#add(folder);
    this.#publish();
  }

  #add({ uri }: WorkspaceFolder): void {
    if (uri.scheme !== "file") return;
    const key = uri.toString();
    this.#folders.set(key, { path: uri.fsPath, found: null });
    void this.#open(key);
  }

  #reopen(which: (folder: Folder) => boolean): void {
    for (const [key, folder] of this.#folders) if (which(folder)) void this.#open(key);
  }

  async #open(key: string): Promise<void> {
    const folder = this.#folders.get(key);
    if (folder === undefined || this.#connection.state !== "running") return;
    const path = await realpath(folder.path).catch(() => folder.path);
    const found = await this.#connection.request("repository.open", { repository: path }).then(
      ({ repository }) => repository,
      (error: unknown) => ImiError.from(error),
    );
    // The folder may have gone while the server answered; a server that died is asked again when it is back.
    if (!this.#folders.has(key) || ImiError.is(found, "server/stopped")) return;
    this.#folders.set(key, { path, found });
    if (found instanceof ImiError) this.#connection.log.info(`${path}: ${found.message}`);
    this.#publish();
  }

  #publish(): void {
    if (this.all.length > 0) setContext("imi.repository", "found");
    else if (this.opening) setContext("imi.repository", "opening");
    else setContext("imi.repository", this.failure === null ? "none" : "failed");
    this.#changed.fire();
  }
}

/** A path inside the repository that stays there whatever happens to its worktrees. */
export function pathIn(repository: Repository): string {
  return repository.trunk ?? repository.gitDir;
}

/** The parameter that names a repository; without one the server decides by where it stands. */
export function inRepository(repository: Repository | undefined): { readonly repository?: string } {
  return repository === undefined ? {} : { repository: pathIn(repository) };
}
