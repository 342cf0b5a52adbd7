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
import type { MinuteClock } from "../claims/clock.ts";
import type { Holding } from "../claims/holding.ts";
import { heldInWords } from "../claims/labels.ts";
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

  constructor(list: WorktreeList, clock: MinuteClock) {
    this.#list = list;
    this.#scope.add(
      clock.onDidTick(() => {
        const held = list.worktrees().filter(({ claim }) => claim !== null);
        if (held.length > 0) this.#changed.fire(held.map(decorationUri));
      }),
    );
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
    const { badge, color, told } = withHolder(ofWork(worktree), this.#list.holding(worktree));
    if (told.length === 0) return undefined;
    return {
      tooltip: told.join(", "),
      propagate: false,
      ...(badge === undefined ? {} : { badge }),
      ...(color === undefined ? {} : { color: new ThemeColor(color) }),
    };
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

interface Mark {
  readonly badge?: string | undefined;
  readonly color?: ColorId | undefined;
  /** Nothing told, nothing marked. */
  readonly told: readonly string[];
}

function ofWork(worktree: Worktree): Mark {
  const { status } = worktree;
  const told = statusInWords(worktree);
  if (worktree.state === "missing") {
    return { badge: "!", color: "imi.missingForeground", told: [l10n.t("folder missing")] };
  }
  if (status === undefined) return { told: [] };
  if (!isKnown(status)) return { badge: "?", told };
  if (status.conflicted > 0) return { badge: "C", color: "imi.conflictForeground", told };
  return dirtyCount(status) === 0 ? { told: [] } : { color: "imi.dirtyForeground", told };
}

/** Who holds it is marked where nothing is wrong with it; somebody else's colour comes before that of changed files. */
function withHolder(work: Mark, holding: Holding): Mark {
  const words = heldInWords(holding);
  if (words === null) return work;
  const told = [words, ...work.told];
  if (work.badge !== undefined) return { ...work, told };
  switch (holding.by) {
    case "nobody":
    case "expired":
      return { ...work, told };
    case "me":
      return { badge: "M", color: work.color ?? "imi.mineForeground", told };
    case "other":
      return { badge: "H", color: "imi.heldForeground", told };
  }
}
