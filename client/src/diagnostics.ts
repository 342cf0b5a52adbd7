import {
  type Disposable,
  EventEmitter,
  type ExtensionContext,
  type TextDocumentContentProvider,
  Uri,
  env,
  languages,
  version,
  window,
  workspace,
} from "vscode";
import { ImiError } from "../../protocol/errors.ts";
import type { Connection } from "./connection.ts";
import { Disposables } from "./disposables.ts";
import { pathIn } from "./repositories.ts";
import { currentOptions } from "./settings.ts";
import type { WorktreeList } from "./worktrees/list.ts";

const scheme = "imi-diagnostics";
const page = Uri.from({ scheme, path: "/iMi diagnostics.md" });

/** *iMi: Show Diagnostics*: a page that is read anew each time it is asked for, and never has to be saved. */
export class DiagnosticsPage implements TextDocumentContentProvider, Disposable {
  readonly #context: ExtensionContext;
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<Uri>());
  readonly onDidChange = this.#changed.event;

  constructor(context: ExtensionContext, connection: Connection, list: WorktreeList) {
    this.#context = context;
    this.#connection = connection;
    this.#list = list;
    this.#scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
  }

  async open(): Promise<void> {
    this.#changed.fire(page);
    const document = await workspace.openTextDocument(page);
    await window.showTextDocument(await languages.setTextDocumentLanguage(document, "markdown"));
  }

  provideTextDocumentContent(): Promise<string> {
    return diagnosticsText(this.#context, this.#connection, this.#list);
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

/** What a bug report needs, as Markdown. The parts the server knows say so when there is no server. */
async function diagnosticsText(context: ExtensionContext, connection: Connection, list: WorktreeList): Promise<string> {
  const options = currentOptions();
  const own: readonly (readonly [string, string])[] = [
    ["iMi", String((context.extension.packageJSON as { version?: unknown }).version)],
    ["VS Code", `${version} (${env.appName}${env.remoteName === undefined ? "" : `, ${env.remoteName}`})`],
    [
      "Extension host",
      `Node ${process.version}, N-API ${process.versions["napi"] ?? "?"}, ${process.platform}-${process.arch}`,
    ],
    [
      "Server",
      `${connection.state}${connection.failure === null ? "" : `: ${connection.failure.message} (${connection.failure.code})`}`,
    ],
    ["Workspace", options.trusted ? "trusted" : "restricted mode"],
    ["Settings in VS Code", JSON.stringify(options.settings)],
    [
      "Repositories",
      list.repositories.map(({ name, layout, container }) => `${name} (${layout}) ${container}`).join("; ") || "none",
    ],
    ["Worktrees known", String(list.worktrees().length)],
  ];
  const sections = [section("This window", own)];
  const server = await connection.diagnostics().catch((error: unknown) => ImiError.from(error));
  if (server instanceof ImiError) {
    sections.push(section("Server", [["Answer", `${server.message} ${server.hint ?? ""}`]]));
  } else {
    sections.push(
      section("Server", [
        ["Version", server.version],
        ["Process", `${server.pid}, ${Math.round(server.residentBytes / 1_048_576)} MB, ${server.uptimeSeconds} s`],
        ["Node", server.node],
        ["git", server.git],
        ["SQLite", server.sqlite],
        ["Database", server.database],
        ["Repositories", server.repositories.join("; ") || "none"],
      ]),
    );
  }
  const [repository] = list.repositories;
  const folder = workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file")?.uri.fsPath;
  const where = repository === undefined ? folder : pathIn(repository);
  const checks = await connection.request("doctor.run", where === undefined ? {} : { repository: where }).then(
    (found) =>
      found.checks
        // In a window without a folder the server would look for a repository around itself.
        .filter(({ name }) => name !== "repository" || where !== undefined)
        .map(({ name, result, detail, hint }) => [name, `${result}: ${sentences([detail, hint])}`] as const),
    (error: unknown) => [["doctor", ImiError.from(error).message] as const],
  );
  sections.push(section("Checks", checks));
  return `# iMi diagnostics\n\n${sections.join("\n")}`;
}

function sentences(parts: readonly (string | null)[]): string {
  return parts.flatMap((part) => (part === null ? [] : part.replace(/\.$/u, ""))).join(". ");
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, value]) => `- **${name}**: ${value.replaceAll("\n", " ")}`);
  return [`## ${title}`, "", ...lines, ""].join("\n");
}
