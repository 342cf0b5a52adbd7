import {
  type Disposable,
  EventEmitter,
  MarkdownString,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeDataProvider,
  type TreeView,
  l10n,
  window,
} from "vscode";
import type { MinuteClock } from "../claims/clock.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { Rows } from "../rows.ts";
import type { CommandId } from "../tables.ts";
import type { ActivityList } from "./activity-list.ts";
import { describeEntry, entryLines, filterInWords, iconOf, spokenEntry, titleOf } from "./labels.ts";
import type { Entry } from "./pages.ts";

/** The row of something that happened, and what its menu passes to a command. */
export interface EntryNode {
  readonly kind: "activity";
  readonly id: number;
}
/** The last row, where there are older ones. */
export interface MoreNode {
  readonly kind: "more activity";
}
export type ActivityNode = EntryNode | MoreNode;

/** How long ago things were is told anew this often, in ms: once for all rows, whenever each of them was. */
const redrawnAfterMs = 60_000;

const moreNode: MoreNode = { kind: "more activity" };

/** The *Activity* view: what happened in the worktrees of this window's repositories, newest first. */
export class ActivityView implements TreeDataProvider<ActivityNode>, Disposable {
  readonly #connection: Connection;
  readonly #activity: ActivityList;
  readonly #clock: MinuteClock;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<undefined>());
  readonly #rows = new Rows<EntryNode>(({ id }) => String(id));
  #entries: ReadonlyMap<number, Entry> = new Map();
  /** By the clock of `performance.now`. */
  #drawnAt = 0;
  readonly view: TreeView<ActivityNode>;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(connection: Connection, activity: ActivityList, clock: MinuteClock) {
    this.#connection = connection;
    this.#activity = activity;
    this.#clock = clock;
    this.view = this.#scope.add(window.createTreeView("imi.activity", { treeDataProvider: this }));
    this.#scope.add(activity.onDidChange(() => this.#show()));
    this.#scope.add(connection.onDidChangeState(() => this.#show()));
    this.#scope.add(clock.onDidTick(() => this.view.visible && this.#untilOld() === 0 && this.#draw()));
    this.#scope.add(this.view.onDidChangeVisibility(() => this.#look()));
    clock.want("activity", () => (this.view.visible && activity.entries.length > 0 ? [this.#untilOld()] : []));
    this.#look();
    this.#show();
  }

  getChildren(node?: ActivityNode): ActivityNode[] {
    if (node !== undefined || !this.#connection.serves) return [];
    const rows = [...this.#entries.keys()].map((id) => this.#rows.same({ kind: "activity", id }));
    return this.#activity.more ? [...rows, moreNode] : rows;
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(node: ActivityNode): TreeItem {
    if (node.kind === "more activity") return moreItem();
    const entry = this.#entries.get(node.id);
    const item = new TreeItem(entry === undefined ? "" : titleOf(entry), TreeItemCollapsibleState.None);
    item.id = String(node.id);
    if (entry === undefined) return item;
    item.description = describeEntry(entry);
    item.iconPath = new ThemeIcon(iconOf(entry));
    item.contextValue = `activity+${entry.type}`;
    item.command = { command: opening, title: l10n.t("Open"), arguments: [node] };
    item.accessibilityInformation = { label: spokenEntry(entry) };
    return item;
  }

  resolveTreeItem(item: TreeItem, node: ActivityNode): TreeItem {
    const entry = node.kind === "activity" ? this.#entries.get(node.id) : undefined;
    if (entry === undefined) return item;
    const text = new MarkdownString("", true);
    text.appendMarkdown("### ").appendText(titleOf(entry));
    for (const [name, value] of entryLines(entry)) text.appendMarkdown(`\n\n**${name}** `).appendText(value);
    item.tooltip = text;
    return item;
  }

  /** What a row stands for. */
  entryOf({ id }: EntryNode): Entry | undefined {
    return this.#entries.get(id);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #draw(): void {
    this.#drawnAt = performance.now();
    this.#changed.fire(undefined);
  }

  #untilOld(): number {
    return Math.max(0, this.#drawnAt + redrawnAfterMs - performance.now());
  }

  #look(): void {
    this.#activity.reading.watch(() => this.view.visible);
    if (this.view.visible) {
      void window.withProgress({ location: { viewId: "imi.activity" } }, () => this.#activity.reading.settled);
      this.#draw();
    }
    this.#clock.look();
  }

  #show(): void {
    const {
      entries,
      filter,
      reading: { failure },
    } = this.#activity;
    this.#entries = new Map(entries.map((entry) => [entry.id, entry]));
    this.#rows.keepOnly(({ id }) => this.#entries.has(id));
    // Not `undefined`: the view's properties are accessors, and their declared types have no such value.
    this.view.message = this.#connection.serves && entries.length > 0 ? (failure?.message ?? "") : "";
    this.view.description = filterInWords(filter);
    this.#draw();
    this.#clock.look();
  }
}

const opening: CommandId = "imi.openActivity";
const reading: CommandId = "imi.showMoreActivity";

function moreItem(): TreeItem {
  const item = new TreeItem(l10n.t("Show More"), TreeItemCollapsibleState.None);
  item.id = "more";
  item.iconPath = new ThemeIcon("ellipsis");
  item.command = { command: reading, title: l10n.t("Show More") };
  item.accessibilityInformation = { label: l10n.t("Show more of what happened before") };
  return item;
}
