import {
  type Command,
  type Disposable,
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeDataProvider,
  type TreeView,
  Uri,
  l10n,
  window,
} from "vscode";
import path from "node:path";
import type { SharedFile } from "../../../protocol/overlap.ts";
import { printable } from "../amounts.ts";
import type { MinuteClock } from "../claims/clock.ts";
import { untilMinuteOlder } from "../claims/times.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { Rows } from "../rows.ts";
import type { ColorId, CommandId } from "../tables.ts";
import {
  agentsInWords,
  collisionDescription,
  conflictInWords,
  deedsInWords,
  fileDescription,
  isClose,
  mergeInWords,
  nearInWords,
  pairDescription,
  pairTitle,
  spokenPair,
} from "./labels.ts";
import type { OverlapList, Pair } from "./overlap-list.ts";
import type { RecentCollisions } from "./recent-collisions.ts";
import type { Collision } from "./same-files.ts";

/** The row over the files that two agents changed within a minute. */
export interface JustNowNode {
  readonly kind: "just now";
}
export interface CollisionNode {
  readonly kind: "collision";
  readonly repository: string;
  readonly file: string;
}
export interface PairNode {
  readonly kind: "pair";
  readonly repository: string;
  readonly a: string;
  readonly b: string;
}
export interface SharedNode extends Omit<PairNode, "kind"> {
  readonly kind: "shared";
  readonly path: string;
}
export interface UnreadNode {
  readonly kind: "unread";
  readonly repository: string;
  readonly name: string;
}
export type ConflictNode = JustNowNode | CollisionNode | PairNode | SharedNode | UnreadNode;

/** The *Conflicts* view: files changed by two just now, pairs of worktrees that changed the same files, what is not known. */
export class ConflictsView implements TreeDataProvider<ConflictNode>, Disposable {
  readonly #connection: Connection;
  readonly #overlaps: OverlapList;
  readonly #collisions: RecentCollisions;
  readonly #clock: MinuteClock;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<undefined>());
  readonly #rows = new Rows<ConflictNode>(keyOf);
  /** By the keys of their rows. */
  #pairs: ReadonlyMap<string, Pair> = new Map();
  #severalRepositories = false;
  readonly view: TreeView<ConflictNode>;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(connection: Connection, overlaps: OverlapList, collisions: RecentCollisions, clock: MinuteClock) {
    this.#connection = connection;
    this.#overlaps = overlaps;
    this.#collisions = collisions;
    this.#clock = clock;
    this.view = this.#scope.add(window.createTreeView("imi.conflicts", { treeDataProvider: this }));
    for (const event of [overlaps.onDidChange, collisions.onDidChange]) this.#scope.add(event(() => this.#show()));
    this.#scope.add(connection.onDidChangeState(() => this.#show()));
    this.#scope.add(this.view.onDidChangeVisibility(() => this.#look()));
    this.#scope.add(clock.onDidTick(() => this.view.visible && this.#changed.fire(undefined)));
    clock.want("conflicts", () =>
      this.view.visible ? collisions.all.map(({ at }) => untilMinuteOlder(at, Date.now())) : [],
    );
    this.#look();
    this.#show();
  }

  getChildren(node?: ConflictNode): ConflictNode[] {
    if (!this.#connection.serves) return [];
    switch (node?.kind) {
      case undefined:
        return [
          ...(this.#collisions.all.length === 0 ? [] : [this.#rows.same({ kind: "just now" })]),
          ...this.#overlaps.pairs.map(({ repository, a, b }) => this.#pairNode(repository.id, a, b)),
          ...this.#overlaps.unread.map(({ repository, name }) =>
            this.#rows.same({ kind: "unread", repository: repository.id, name }),
          ),
        ];
      case "just now":
        return this.#collisions.all.map((each) => this.nodeOf(each));
      case "pair": {
        const { repository, a, b } = node;
        return (this.pairOf(node)?.files ?? []).map((file) =>
          this.#rows.same({ kind: "shared", repository, a, b, path: file.path }),
        );
      }
      case "collision":
      case "shared":
      case "unread":
        return [];
    }
  }

  getParent(node: ConflictNode): ConflictNode | undefined {
    if (node.kind === "collision") return this.#rows.same({ kind: "just now" });
    return node.kind === "shared" ? this.#pairNode(node.repository, node.a, node.b) : undefined;
  }

  getTreeItem(node: ConflictNode): TreeItem {
    const item = this.#item(node);
    item.id = keyOf(node);
    return item;
  }

  resolveTreeItem(item: TreeItem, node: ConflictNode): TreeItem {
    const pair = node.kind === "pair" || node.kind === "shared" ? this.pairOf(node) : undefined;
    if (pair === undefined) return item;
    if (node.kind === "pair") item.tooltip = pairTooltip(pair);
    const file = node.kind === "shared" ? this.fileOf(node) : undefined;
    if (file !== undefined) item.tooltip = fileTooltip(pair, file);
    return item;
  }

  /** The row of a file that two changed just now. */
  nodeOf({ repository, file }: Collision): ConflictNode {
    return this.#rows.same({ kind: "collision", repository, file });
  }

  pairOf({ repository, a, b }: Omit<PairNode, "kind">): Pair | undefined {
    return this.#pairs.get(keyOf({ kind: "pair", repository, a, b }));
  }

  fileOf(node: SharedNode): SharedFile | undefined {
    return this.pairOf(node)?.files.find((file) => file.path === node.path);
  }

  collisionOf({ repository, file }: CollisionNode): Collision | undefined {
    return this.#collisions.all.find((each) => each.repository === repository && each.file === file);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #pairNode(repository: string, a: string, b: string): PairNode {
    return this.#rows.same({ kind: "pair", repository, a, b });
  }

  #item(node: ConflictNode): TreeItem {
    switch (node.kind) {
      case "just now": {
        const item = new TreeItem(l10n.t("Same file just now"), TreeItemCollapsibleState.Expanded);
        const count = this.#collisions.all.length;
        item.description = String(count);
        item.iconPath = new ThemeIcon("flame");
        item.contextValue = "justNow";
        const said = count === 1 ? l10n.t("1 file") : l10n.t("{0} files", count);
        item.accessibilityInformation = { label: l10n.t("Same file changed by several just now, {0}", said) };
        return item;
      }
      case "collision":
        return this.#collisionItem(node);
      case "pair":
        return this.#pairItem(node);
      case "shared":
        return this.#sharedItem(node);
      case "unread": {
        const { name, repository } = node;
        const unread = this.#overlaps.unread.find((each) => each.name === name && each.repository.id === repository);
        const item = new TreeItem(printable(name), TreeItemCollapsibleState.None);
        item.description = l10n.t("not wholly known");
        item.tooltip = unread?.reason;
        item.iconPath = new ThemeIcon("question");
        item.contextValue = "unread";
        const reason = unread?.reason ?? "";
        item.accessibilityInformation = { label: l10n.t("{0} is not wholly known: {1}", printable(name), reason) };
        return item;
      }
    }
  }

  #collisionItem(node: CollisionNode): TreeItem {
    const collision = this.collisionOf(node);
    const item = new TreeItem(printable(path.posix.basename(node.file)), TreeItemCollapsibleState.None);
    if (collision === undefined) return item;
    item.description = collisionDescription(collision);
    item.iconPath = ThemeIcon.File;
    item.resourceUri = Uri.from({ scheme: rowScheme, path: `/${node.file}` });
    item.contextValue = "collision";
    item.tooltip = `${printable(node.file)}\n${agentsInWords(collision)}`;
    item.command = opening("imi.openConflict", l10n.t("Compare"), node);
    item.accessibilityInformation = { label: [printable(node.file), collisionDescription(collision)].join(", ") };
    return item;
  }

  #pairItem(node: PairNode): TreeItem {
    const pair = this.pairOf(node);
    const conflicts = pair?.merge.clean === false;
    const item = new TreeItem(
      pairTitle(node),
      conflicts ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed,
    );
    if (pair === undefined) return item;
    item.description = [pairDescription(pair), ...(this.#severalRepositories ? [pair.repository.name] : [])].join(
      " · ",
    );
    item.iconPath = iconOf(pair.merge.clean);
    item.contextValue = conflicts ? "pair+conflict" : "pair";
    item.accessibilityInformation = { label: spokenPair(pair) };
    return item;
  }

  #sharedItem(node: SharedNode): TreeItem {
    const pair = this.pairOf(node);
    const file = this.fileOf(node);
    const item = new TreeItem(printable(path.posix.basename(node.path)), TreeItemCollapsibleState.None);
    if (pair === undefined || file === undefined) return item;
    item.description = fileDescription(file);
    item.iconPath = ThemeIcon.File;
    item.resourceUri = Uri.from({ scheme: rowScheme, path: `/${file.path}` });
    item.contextValue = isClose(file.near) ? "shared+close" : "shared";
    item.command = opening("imi.openConflict", l10n.t("Compare"), node);
    const words = [printable(file.path), nearInWords(file.near), deedsInWords(pair, file)].join(", ");
    item.accessibilityInformation = { label: words };
    return item;
  }

  #look(): void {
    this.#overlaps.watch(() => this.view.visible);
    if (this.view.visible) {
      void window.withProgress({ location: { viewId: "imi.conflicts" } }, () => this.#overlaps.reading.settled);
      this.#changed.fire(undefined);
    }
    this.#clock.look();
  }

  #show(): void {
    const { pairs, unread, reading } = this.#overlaps;
    const { failure, complete } = reading;
    this.#pairs = new Map(
      pairs.map((pair) => [keyOf({ kind: "pair", repository: pair.repository.id, a: pair.a, b: pair.b }), pair]),
    );
    this.#severalRepositories = new Set(pairs.map(({ repository }) => repository.id)).size > 1;
    const collisions = this.#collisions.all;
    const rows = pairs.length + unread.length + collisions.length;
    if (rows > 0) setContext("imi.conflicts", "listed");
    else if (failure !== null) setContext("imi.conflicts", "failed");
    else setContext("imi.conflicts", complete ? "none" : "reading");
    // Not `undefined`: the view's property is an accessor, and its declared type has no such value.
    this.view.message = this.#connection.serves && rows > 0 ? (failure?.message ?? "") : "";
    const conflicts = pairs.filter(({ merge }) => merge.clean === false).length;
    this.view.description = this.#connection.serves && conflicts > 0 ? String(conflicts) : "";
    this.view.badge =
      collisions.length === 0 || !this.#connection.serves
        ? undefined
        : {
            value: collisions.length,
            tooltip:
              collisions.length === 1
                ? l10n.t("1 file was changed by several just now")
                : l10n.t("{0} files were changed by several just now", collisions.length),
          };
    this.#changed.fire(undefined);
    this.#clock.look();
  }
}

/** Names an icon of the file's kind, and is nobody's file: no other extension marks these rows. */
const rowScheme = "imi-conflict";

function keyOf(node: ConflictNode): string {
  switch (node.kind) {
    case "just now":
      return node.kind;
    case "collision":
      return JSON.stringify([node.kind, node.repository, node.file]);
    case "pair":
      return JSON.stringify([node.kind, node.repository, node.a, node.b]);
    case "shared":
      return JSON.stringify([node.kind, node.repository, node.a, node.b, node.path]);
    case "unread":
      return JSON.stringify([node.kind, node.repository, node.name]);
  }
}

function opening(command: CommandId, title: string, node: ConflictNode): Command {
  return { command, title, arguments: [node] };
}

function iconOf(clean: boolean | null): ThemeIcon {
  if (clean === null) return new ThemeIcon("question");
  const color: ColorId = "imi.conflictForeground";
  return clean ? new ThemeIcon("git-merge") : new ThemeIcon("warning", new ThemeColor(color));
}

function pairTooltip({ a, b, merge }: Pair): MarkdownString {
  const text = new MarkdownString("", true);
  text.appendMarkdown("### ").appendText(pairTitle({ a, b }));
  text.appendMarkdown("\n\n").appendText(mergeInWords(merge));
  if (merge.reason !== null) text.appendMarkdown("\n\n").appendText(printable(merge.reason));
  for (const conflict of merge.conflicts.slice(0, tooltipLines)) {
    text.appendMarkdown("\n\n- ").appendText(conflictInWords(conflict));
  }
  if (merge.conflicts.length > tooltipLines) text.appendMarkdown("\n\n- …");
  return text;
}

const tooltipLines = 10;

function fileTooltip(pair: Pair, file: SharedFile): MarkdownString {
  const text = new MarkdownString("", true);
  text.appendMarkdown("### ").appendText(printable(file.path));
  text.appendMarkdown("\n\n").appendText(nearInWords(file.near));
  text.appendMarkdown("\n\n").appendText(deedsInWords(pair, file));
  for (const conflict of pair.merge.conflicts.filter(({ paths }) => paths.includes(file.path))) {
    text.appendMarkdown("\n\n- ").appendText(conflictInWords(conflict));
  }
  return text;
}
