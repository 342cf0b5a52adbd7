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
import type { ParamsOf, ResultOf } from "../../../protocol/contract.ts";
import type { MergeSide, Prediction } from "../../../protocol/overlap.ts";
import { printable } from "../amounts.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { withProgress } from "../progress.ts";
import { conflictInWords, mergeInWords } from "./labels.ts";

const scheme = "imi-merge";

type Checked = ResultOf<"overlap.merge-check">;

/** What merging one worktree into another would do, as a page that never has to be saved. */
export class MergePage implements TextDocumentContentProvider, Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<Uri>());
  /** What the pages that are open say. */
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
    this.#scope.add(workspace.onDidCloseTextDocument(({ uri }) => this.#texts.delete(uri.toString())));
  }

  /** Asks, and shows the answer. */
  async open(request: ParamsOf<"overlap.merge-check">): Promise<Checked> {
    const title = request.b === undefined ? request.a : l10n.t("{0} and {1}", request.a, request.b);
    const checked = await withProgress(l10n.t("Checking the merge of {0}", title), ({ token, onProgress }) =>
      this.#connection.request("overlap.merge-check", request, { token, onProgress }),
    );
    const name = l10n.t("{0} into {1}", checked.a.name, checked.b.name).replaceAll("/", "⁄");
    const page = Uri.from({ scheme, path: `/${name}.md`, query: request.repository ?? "" });
    this.#texts.set(page.toString(), text(checked));
    this.#changed.fire(page);
    const document = await workspace.openTextDocument(page);
    await window.showTextDocument(await languages.setTextDocumentLanguage(document, "markdown"), { preview: true });
    return checked;
  }

  provideTextDocumentContent(uri: Uri): string {
    // A window that was loaded anew shows its pages again; what they said may be old.
    return this.#texts.get(uri.toString()) ?? `${l10n.t("Check the merge again to see what it would do.")}\n`;
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

function text({ a, b, relation, committed, working }: Checked): string {
  const uncommitted = [a, b].flatMap((side) => uncommittedIn(side) ?? []);
  const lines = [
    `# ${l10n.t("Merging {0} into {1}", printable(a.name), printable(b.name))}`,
    "",
    ...relationInWords(relation).flatMap((words) => [words, ""]),
    `## ${l10n.t("What is committed")}: ${mergeInWords(committed)}`,
    ...details(committed),
    "",
    `## ${l10n.t("With what is not committed")}: ${mergeInWords(working)}`,
    ...(uncommitted.length === 0 ? ["", l10n.t("Nothing: both have committed all they hold.")] : []),
    ...uncommitted.flatMap((words) => ["", words]),
    ...(uncommitted.length === 0 ? [] : details(working)),
    "",
    l10n.t("Nothing was changed by asking."),
  ];
  return `${lines.join("\n")}\n`;
}

function details({ reason, conflicts }: Prediction): readonly string[] {
  const lines = conflicts.map((conflict) => `- ${conflictInWords(conflict)}`);
  return [...(reason === null ? [] : ["", printable(reason)]), ...(lines.length === 0 ? [] : ["", ...lines])];
}

function relationInWords(relation: Checked["relation"]): readonly string[] {
  switch (relation) {
    case "up-to-date":
      return [l10n.t("All its commits are there already.")];
    case "fast-forward":
      return [l10n.t("A fast-forward: the other has no commits of its own.")];
    case "diverged":
      return [];
  }
}

/** null where everything is committed, or it is not known. */
function uncommittedIn({ name, uncommitted }: MergeSide): string | null {
  if (uncommitted === null) return null;
  const { staged, changed, untracked, conflicted } = uncommitted;
  const parts = [
    staged === 0 ? [] : l10n.t("{0} staged", staged),
    changed === 0 ? [] : l10n.t("{0} changed", changed),
    untracked === 0 ? [] : l10n.t("{0} new", untracked),
    conflicted === 0 ? [] : l10n.t("{0} in conflict", conflicted),
  ].flat();
  return parts.length === 0 ? null : `${printable(name)}: ${parts.join(", ")}`;
}
