import {
  type Disposable,
  EventEmitter,
  type FileDecoration,
  type FileDecorationProvider,
  ThemeColor,
  Uri,
  l10n,
  window,
} from "vscode";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { Disposables } from "../disposables.ts";
import type { ColorId } from "../tables.ts";
import { statusInWords } from "./labels.ts";
import { type WorktreeList, dirtyCount, isKnown } from "./list.ts";

/** A scheme of our own, so that no other extension decorates these rows and ours decorate nothing else. */
const scheme = "imi-worktree";

export function decorationUri(worktree: Worktree): Uri {
  return Uri.from({ scheme, path: `/${worktree.id}` });
}

/** Colours rows and marks the troubled ones. The row's own words say the same: nothing is told by colour alone. */
export class WorktreeDecorations implements FileDecorationProvider, Disposable {
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<Uri | Uri[] | undefined>());
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(list: WorktreeList) {
    this.#list = list;
    this.#scope.add(window.registerFileDecorationProvider(this));
    this.#scope.add(
      list.onDidChange((change) => {
        const changed = change.kind === "worktrees" ? change.ids.flatMap((id) => list.get(id) ?? []) : list.worktrees();
        if (changed.length > 0) this.#changed.fire(changed.map(decorationUri));
      }),
    );
  }

  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    if (uri.scheme !== scheme) return undefined;
    const worktree = this.#list.get(uri.path.slice(1));
    if (worktree === undefined) return undefined;
    if (worktree.state === "missing") return mark("!", l10n.t("folder missing"), "imi.missingForeground");
    const { status } = worktree;
    if (status === undefined) return undefined;
    if (!isKnown(status)) return { badge: "?", tooltip: statusInWords(worktree).join(", "), propagate: false };
    if (status.conflicted > 0) return mark("C", statusInWords(worktree).join(", "), "imi.conflictForeground");
    if (dirtyCount(status) === 0) return undefined;
    return {
      tooltip: statusInWords(worktree).join(", "),
      color: new ThemeColor("imi.dirtyForeground"),
      propagate: false,
    };
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

function mark(badge: string, tooltip: string, color: ColorId): FileDecoration {
  return { badge, tooltip, color: new ThemeColor(color), propagate: false };
}
