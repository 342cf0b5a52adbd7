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
import path from "node:path";
import type { SharedFile } from "../../../protocol/overlap.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { printable } from "../amounts.ts";
import { Disposables } from "../disposables.ts";
import type { ColorId } from "../tables.ts";
import { decorationUri } from "../worktrees/decorations.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { isClose, nearInWords } from "./labels.ts";
import type { OverlapList, Pair } from "./overlap-list.ts";

/** Two arrows that meet: somebody else is at it too. */
const badge = "⇄";

/**
 * Marks, by the last answer of the overlap list, files of this window's folders that another worktree changed too, and
 * rows of worktrees whose merge with another would conflict.
 */
export class OverlapDecorations implements FileDecorationProvider, Disposable {
  readonly #overlaps: OverlapList;
  readonly #list: WorktreeList;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<Uri[]>());
  /** By the address of what is marked. */
  #marks: ReadonlyMap<string, Mark> = new Map();
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(overlaps: OverlapList, list: WorktreeList) {
    this.#overlaps = overlaps;
    this.#list = list;
    this.#scope.add(window.registerFileDecorationProvider(this));
    this.#scope.add(overlaps.onDidChange(() => this.#renew()));
    this.#scope.add(list.onDidChange(() => this.#renew()));
  }

  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    const mark = this.#marks.get(uri.toString());
    if (mark === undefined) return undefined;
    const color: ColorId = "imi.conflictForeground";
    return {
      badge,
      tooltip: mark.told.join("\n"),
      propagate: false,
      ...(mark.close ? { color: new ThemeColor(color) } : {}),
    };
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #renew(): void {
    const before = this.#marks;
    const now = marksOf(this.#overlaps.pairs, this.#list);
    this.#marks = now;
    const changed = [...new Set([...before.keys(), ...now.keys()])].filter(
      (key) => JSON.stringify(before.get(key)) !== JSON.stringify(now.get(key)),
    );
    if (changed.length > 0) this.#changed.fire(changed.map((key) => Uri.parse(key, true)));
  }
}

interface Mark {
  /** Whether somebody will have to look at it. */
  readonly close: boolean;
  readonly told: readonly string[];
}

/** Each of a pair with the other. */
const sides = [
  ["a", "b"],
  ["b", "a"],
] as const;

/** By the address of what is marked. */
function marksOf(pairs: readonly Pair[], list: WorktreeList): ReadonlyMap<string, Mark> {
  const marks = new Map<string, Mark>();
  const worktrees = byName(pairs.length === 0 ? [] : list.worktrees());
  for (const pair of pairs) {
    for (const [mine, other] of sides) {
      const worktree = worktrees.get(keyOf(pair.repository.id, pair[mine]));
      if (worktree === undefined) continue;
      // Marked, not coloured: the row's colour tells of its own files.
      if (pair.merge.clean === false)
        add(marks, decorationUri(worktree), { close: false, told: [wouldConflict(pair[other])] });
      if (!list.openHere.has(worktree.id)) continue;
      const holder = worktrees.get(keyOf(pair.repository.id, pair[other]))?.claim?.agent ?? null;
      for (const file of pair.files) {
        const { path: name, change } = file[mine];
        if (change === "deleted") continue;
        const told = toldOf(pair[other], holder, file);
        add(marks, Uri.file(path.join(worktree.path, name)), { close: isClose(file.near), told: [told] });
      }
    }
  }
  return marks;
}

/** What is said of worktrees besides what they hold themselves, by their ids: with whom a merge would conflict. */
export function wouldConflicts(overlaps: OverlapList, list: WorktreeList): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  const conflicts = overlaps.pairs.filter(({ merge }) => merge.clean === false);
  const worktrees = byName(conflicts.length === 0 ? [] : list.worktrees());
  for (const pair of conflicts) {
    for (const [mine, other] of sides) {
      const id = worktrees.get(keyOf(pair.repository.id, pair[mine]))?.id;
      if (id !== undefined) words.set(id, [words.get(id) ?? [], wouldConflict(pair[other])].flat().join(", "));
    }
  }
  return words;
}

function byName(worktrees: readonly Worktree[]): ReadonlyMap<string, Worktree> {
  return new Map(worktrees.map((each) => [keyOf(each.repository, each.name), each]));
}

function keyOf(repository: string, name: string): string {
  return `${repository} ${name}`;
}

function wouldConflict(other: string): string {
  return l10n.t("would conflict with {0}", printable(other));
}

function add(marks: Map<string, Mark>, uri: Uri, { close, told }: Mark): void {
  const key = uri.toString();
  const known = marks.get(key);
  marks.set(key, { close: close || known?.close === true, told: [...(known?.told ?? []), ...told] });
}

function toldOf(worktree: string, holder: string | null, { near }: SharedFile): string {
  const name = printable(worktree);
  const who = holder === null ? name : l10n.t("{0} (held by {1})", name, printable(holder));
  return l10n.t("changed in {0} too: {1}", who, nearInWords(near));
}
