import {
  type Disposable,
  EventEmitter,
  type ExtensionContext,
  McpStdioServerDefinition,
  Uri,
  lm,
  workspace,
} from "vscode";
import { type WindowOptions, windowVariable } from "../../../protocol/rpc.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";
import { currentOptions } from "../settings.ts";
import { mcpProvider } from "../tables.ts";

/**
 * Offers `imi mcp` to whatever in VS Code speaks MCP. It is a process of its own that may change worktrees: a restricted
 * window has none. One for each repository of the window, because a server answers for one.
 */
export class McpServers implements Disposable {
  readonly #context: ExtensionContext;
  readonly #repositories: Repositories;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  #known = "";

  constructor(context: ExtensionContext, repositories: Repositories) {
    this.#context = context;
    this.#repositories = repositories;
    this.#scope.add(repositories.onDidChange(() => this.#look()));
    this.#scope.add(workspace.onDidGrantWorkspaceTrust(() => this.#look()));
    this.#scope.add(workspace.onDidChangeConfiguration(() => this.#look()));
    this.#scope.add(
      lm.registerMcpServerDefinitionProvider(mcpProvider, {
        onDidChangeMcpServerDefinitions: this.#changed.event,
        provideMcpServerDefinitions: () => this.definitions(),
      }),
    );
  }

  definitions(): McpStdioServerDefinition[] {
    if (!workspace.isTrusted) return [];
    const { all } = this.#repositories;
    return all.map((repository) =>
      this.#definition(all.length === 1 ? "iMi" : `iMi: ${repository.name}`, pathIn(repository)),
    );
  }

  dispose(): void {
    this.#scope.dispose();
  }

  /** VS Code asks again only when another server would be its answer. */
  #look(): void {
    const key = JSON.stringify(this.definitions().map(({ label, args, env }) => [label, args, env]));
    if (key === this.#known) return;
    this.#known = key;
    this.#changed.fire();
  }

  #definition(label: string, path: string): McpStdioServerDefinition {
    const { version }: { version: string } = this.#context.extension.packageJSON;
    const args = [this.#context.asAbsolutePath("dist/cli.cjs"), "mcp", "--repo", path];
    // On the desktop this is Electron, which is Node only when asked to.
    const electron = { ELECTRON_RUN_AS_NODE: process.versions["electron"] === undefined ? null : "1" };
    const { settings, worktreeIncludeFiles } = currentOptions();
    const said: WindowOptions = { settings, worktreeIncludeFiles };
    const env = { ...electron, [windowVariable]: JSON.stringify(said) };
    const definition = new McpStdioServerDefinition(label, process.execPath, args, env, version);
    definition.cwd = Uri.file(path);
    return definition;
  }
}
