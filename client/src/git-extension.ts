import { type Disposable, type Event, type Uri, extensions } from "vscode";

/*
 * What we use of VS Code's own Git extension (its public API, version 1). All of it is a bonus: it tells early that
 * something happened and knows branch names; without it everything still works.
 */

interface GitRepository {
  readonly rootUri: Uri;
  readonly state: { readonly onDidChange: Event<void>; readonly remotes?: readonly { readonly name: string }[] };
  getBranches(query: {
    readonly remote?: boolean;
    readonly count?: number;
  }): Promise<readonly { readonly name?: string }[]>;
  getConfig?(key: string): Promise<string>;
  getGlobalConfig?(key: string): Promise<string>;
}
interface GitApi {
  readonly repositories: readonly GitRepository[];
  readonly onDidOpenRepository: Event<GitRepository>;
  readonly onDidCloseRepository: Event<GitRepository>;
  getRepository(uri: Uri): GitRepository | null;
  openRepository?(root: Uri): Promise<GitRepository | null>;
}
interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): GitApi;
}

/** Its API; undefined where the extension is disabled, missing or of another kind. */
export async function gitApi(): Promise<GitApi | undefined> {
  try {
    const extension = extensions.getExtension<GitExtension>("vscode.git");
    const exported = await extension?.activate();
    return exported?.enabled === true ? exported.getAPI(1) : undefined;
  } catch {
    return undefined;
  }
}

/** Calls `changed` with a checkout's folder when its Git state changed, and `opened` when one came into view. */
export async function followGit(on: {
  readonly changed: (folder: string) => void;
  readonly opened: () => void;
}): Promise<Disposable> {
  const git = await gitApi();
  const following = new Map<GitRepository, Disposable>();
  const follow = (repository: GitRepository): void => {
    if (following.has(repository)) return;
    following.set(
      repository,
      repository.state.onDidChange(() => on.changed(repository.rootUri.fsPath)),
    );
  };
  git?.repositories.forEach(follow);
  const outer = [
    git?.onDidOpenRepository((repository) => {
      follow(repository);
      on.opened();
    }),
    git?.onDidCloseRepository((repository) => {
      following.get(repository)?.dispose();
      following.delete(repository);
    }),
  ];
  return {
    dispose() {
      for (const each of [...outer, ...following.values()]) each?.dispose();
    },
  };
}

/** Names of local and remote branches of a checkout, as far as the Git extension knows it; else none. */
export async function branchNames(checkout: Uri): Promise<readonly string[]> {
  try {
    const repository = (await gitApi())?.getRepository(checkout);
    const branches = (await repository?.getBranches({ remote: true, count: 500 })) ?? [];
    return branches.flatMap(({ name }) => (name === undefined || name.endsWith("/HEAD") ? [] : [name]));
  } catch {
    return [];
  }
}

/** Names of a checkout's remotes, as far as the Git extension knows them; else none. */
export async function remoteNames(checkout: Uri): Promise<readonly string[]> {
  try {
    return ((await gitApi())?.getRepository(checkout)?.state.remotes ?? []).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** What git calls the user in a checkout, as far as the Git extension knows; else undefined. */
export async function userName(checkout: Uri): Promise<string | undefined> {
  try {
    const repository = (await gitApi())?.getRepository(checkout);
    const name = await repository?.getConfig?.("user.name");
    return name === undefined || name === "" ? await repository?.getGlobalConfig?.("user.name") : name;
  } catch {
    return undefined;
  }
}

/** Has the Git extension show a checkout in Source Control; false where it cannot. */
export async function openInSourceControl(checkout: Uri): Promise<boolean> {
  try {
    const api = await gitApi();
    return ((await api?.openRepository?.(checkout)) ?? api?.getRepository(checkout) ?? null) !== null;
  } catch {
    return false;
  }
}
