import {
  type Disposable,
  EventEmitter,
  type TextDocumentContentProvider,
  Uri,
  l10n,
  languages,
  window,
  workspace,
} from "vscode";
import type { ResultOf } from "../../../protocol/contract.ts";
import type { WorkItem } from "../../../protocol/work.ts";
import { dayOf, grouped, printable, size } from "../amounts.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { pathIn } from "../repositories.ts";
import { exposed, itemInWords, kept } from "../worktrees/work-words.ts";
import type { Trashed } from "./trash-list.ts";

const scheme = "imi-trash";

/** *Show What It Holds*: a page about a removed worktree that is read anew each time and never has to be saved. */
export class TrashPage implements TextDocumentContentProvider, Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<Uri>());
  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
  }

  async open({ repository, entry }: Trashed): Promise<void> {
    const query = new URLSearchParams({ repository: pathIn(repository), entry: entry.id }).toString();
    const page = Uri.from({ scheme, path: `/${entry.name} (${l10n.t("removed")}).md`, query });
    this.#changed.fire(page);
    const document = await workspace.openTextDocument(page);
    await window.showTextDocument(await languages.setTextDocumentLanguage(document, "markdown"), { preview: true });
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const query = new URLSearchParams(uri.query);
    const repository = query.get("repository") ?? "";
    return text(await this.#connection.request("trash.show", { repository, name: query.get("entry") ?? "" }));
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

function text({ entry, work, salvage }: ResultOf<"trash.show">): string {
  const facts: readonly (readonly [string, string])[] = [
    [l10n.t("Branch"), entry.branch ?? l10n.t("detached at {0}", entry.head ?? "?")],
    [l10n.t("Commit"), entry.head ?? l10n.t("none yet")],
    [l10n.t("Removed"), new Date(entry.removedAt).toLocaleString()],
    [l10n.t("Was at"), entry.path],
    [l10n.t("Is in"), entry.place],
    [l10n.t("Size"), entry.bytes === null ? l10n.t("not measured") : size(entry.bytes)],
    [l10n.t("Kept until"), entry.emptiedAfter === null ? l10n.t("it is deleted by hand") : dayOf(entry.emptiedAfter)],
  ];
  const refs = (salvage?.refs ?? []).map(({ ref, commit }) => `- \`${salvage?.prefix}/${ref}\` ${commit.slice(0, 12)}`);
  const lines = [
    `# ${printable(entry.name)}`,
    "",
    ...facts.map(([name, value]) => `- **${name}**: ${printable(value)}`),
    ...(work.answer === "unknown"
      ? ["", `${l10n.t("Unknown when it was removed: {0}", printable(work.reason ?? l10n.t("no reason given")))}`]
      : []),
    ...section(l10n.t("Work"), exposed(work).map(inFull), l10n.t("None when it was removed.")),
    ...section(l10n.t("Kept in any case"), kept(work).map(inFull), null),
    ...section(l10n.t("Salvaged"), refs, l10n.t("Nothing: there was nothing to read.")),
  ];
  if (salvage !== null && salvage.ignored.count > 0) {
    const { count, examples } = salvage.ignored;
    lines.push(
      ...section(
        l10n.t("Ignored files and folders, only in the trash: {0}", grouped(count)),
        [...examples.map((each) => `- ${printable(each)}`), ...(count > examples.length ? ["- …"] : [])],
        null,
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

function inFull(item: WorkItem): string {
  return `- ${itemInWords(item)}`;
}

/** Nothing at all when there are no lines and nothing to say about that. */
function section(title: string, lines: readonly string[], none: string | null): readonly string[] {
  if (lines.length === 0 && none === null) return [];
  return ["", `## ${title}`, "", ...(lines.length === 0 ? [none ?? ""] : lines)];
}
