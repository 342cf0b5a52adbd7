import {
  type Disposable,
  EventEmitter,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeDataProvider,
  type TreeView,
  window,
} from "vscode";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { Rows } from "../rows.ts";
import { typeIcon } from "../worktrees/labels.ts";
import { describeEntry, entryTooltip, spokenEntry } from "./labels.ts";
import type { TrashList, Trashed } from "./trash-list.ts";

/** The row of a removed worktree, and what its menu passes to a command. */
export interface TrashNode {
  readonly kind: "trashed";
  readonly id: string;
}

/** The *Trash* view: the removed worktrees of this window's repositories, newest first. */
export class TrashView implements TreeDataProvider<TrashNode>, Disposable {
  readonly #connection: Connection;
  readonly #trash: TrashList;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<undefined>());
  readonly #rows = new Rows<TrashNode>(({ id }) => id);
  readonly view: TreeView<TrashNode>;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(connection: Connection, trash: TrashList) {
    this.#connection = connection;
    this.#trash = trash;
    this.view = this.#scope.add(window.createTreeView("imi.trash", { treeDataProvider: this, canSelectMany: true }));
    this.#scope.add(trash.onDidChange(() => this.#show()));
    this.#scope.add(connection.onDidChangeState(() => this.#show()));
    this.#scope.add(this.view.onDidChangeVisibility(() => this.#look()));
    this.#look();
  }

  getChildren(node?: TrashNode): TrashNode[] {
    if (node !== undefined || !this.#connection.serves) return [];
    return this.#trash.all.map(({ entry }) => this.#rows.same({ kind: "trashed", id: entry.id }));
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(node: TrashNode): TreeItem {
    const found = this.#trash.all.find(({ entry }) => entry.id === node.id);
    const item = new TreeItem(found?.entry.name ?? "", TreeItemCollapsibleState.None);
    item.id = node.id;
    if (found === undefined) return item;
    const { entry } = found;
    const several = new Set(this.#trash.all.map(({ repository }) => repository.id)).size > 1;
    item.description = [describeEntry(entry), ...(several ? [found.repository.name] : [])].join(" · ");
    item.iconPath = new ThemeIcon(entry.state === "kept" ? typeIcon(entry.type) : "loading~spin");
    item.contextValue = entry.state === "kept" ? "trashed" : "trashed+busy";
    item.accessibilityInformation = { label: spokenEntry(entry) };
    return item;
  }

  resolveTreeItem(item: TreeItem, node: TrashNode): TreeItem {
    const found = this.#trash.all.find(({ entry }) => entry.id === node.id);
    if (found !== undefined) item.tooltip = entryTooltip(found.entry);
    return item;
  }

  /** The entries that rows of the view stand for. */
  entriesOf(nodes: readonly TrashNode[]): readonly Trashed[] {
    const ids = new Set(nodes.map(({ id }) => id));
    return this.#trash.all.filter(({ entry }) => ids.has(entry.id));
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #look(): void {
    this.#trash.reading.watch(() => this.view.visible);
    if (this.view.visible)
      void window.withProgress({ location: { viewId: "imi.trash" } }, () => this.#trash.reading.settled);
  }

  #show(): void {
    const here = new Set(this.#trash.all.map(({ entry }) => entry.id));
    this.#rows.keepOnly(({ id }) => here.has(id));
    const { failure, current } = this.#trash.reading;
    // Not `undefined`: the view's property is an accessor, and its declared type has no such value.
    this.view.message =
      this.#connection.serves && here.size > 0 ? [failure?.message ?? [], this.#trash.warnings].flat(2).join("\n") : "";
    // Behind a folded view nothing is read: no number is better than an old one.
    this.view.description = this.#connection.serves && current && here.size > 0 ? String(here.size) : "";
    this.#changed.fire(undefined);
  }
}
