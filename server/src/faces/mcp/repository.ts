import { fileURLToPath } from "node:url";
import type { ResultOf } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { CallContext, Workspace } from "../../workspace.ts";

export interface ChoiceOptions {
  readonly workspace: Workspace;
  /** Under which it is looked for: of the server's whole life, because the answer serves more than the call that asked first. */
  readonly call: CallContext;
  /** What `--repo` says. */
  readonly said: string | null;
  /** `file:` addresses of the folders the client works in; none when it does not say. */
  readonly roots: () => Promise<readonly string[]>;
}

/**
 * The repository that is meant where a call names none: `--repo`, the setting (`IMI_REPO_ROOT`), the first of the
 * client's roots that lies in one, the working directory.
 */
export class RepositoryChoice {
  readonly #options: ChoiceOptions;
  #root: Promise<string | null> | null = null;
  #opened: Promise<Repository> | null = null;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  /** The parameter that says it; nothing where the workspace decides: by the setting, else by where it stands. */
  async params(): Promise<{ readonly repository?: string }> {
    const { said, workspace } = this.#options;
    if (said !== null) return { repository: said };
    if (workspace.config.settings.repositoryRoot !== "") return {};
    this.#root ??= this.#rootWithRepository().catch((error: unknown) => {
      this.#root = null;
      throw error;
    });
    const root = await this.#root;
    return root === null ? {} : { repository: root };
  }

  /** Throws repository/not-found, with what to do about it here. */
  async open(): Promise<Repository> {
    this.#opened ??= this.params()
      .then((params) => this.#open(params))
      .catch((error: unknown) => {
        this.#opened = null;
        throw withHint(error);
      });
    return this.#opened;
  }

  /** The client works in other folders now. */
  forget(): void {
    this.#root = null;
    this.#opened = null;
  }

  async #rootWithRepository(): Promise<string | null> {
    for (const root of await this.#options.roots()) {
      const path = pathOf(root);
      if (path === null) continue;
      try {
        await this.#open({ repository: path });
        return path;
      } catch (error) {
        // A folder of notes beside the repository is no error; a repository that git refuses to read is.
        if (!ImiError.is(error, "repository/not-found")) throw error;
      }
    }
    return null;
  }

  async #open(params: { readonly repository?: string }): Promise<Repository> {
    const { workspace, call } = this.#options;
    // An operation answers with its own result.
    const { repository } = (await workspace.call("repository.open", params, call)) as ResultOf<"repository.open">;
    return repository;
  }
}

/** Who speaks MCP cannot change directory: says what can be done instead. */
export const withHint = (error: unknown): unknown =>
  ImiError.is(error, "repository/not-found")
    ? new ImiError(error.code, error.message, {
        hint: "Pass `repository`: any path inside one. Or start the server where the repository is, or with `imi mcp --repo PATH`.",
        cause: error,
      })
    : error;

const pathOf = (root: string): string | null => {
  try {
    return fileURLToPath(root);
  } catch {
    return null; // another scheme, or another machine's
  }
};
