import {
  type CancellationToken,
  type Disposable,
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeDataProvider,
  type TreeView,
  l10n,
  window,
  workspace,
} from "vscode";
import type { DiskUse } from "../../../protocol/prune.ts";
import type { ClaimHolder } from "../../../protocol/claims.ts";
import type { Worktree, WorktreeType } from "../../../protocol/worktrees.ts";
import { ago, grouped, size } from "../amounts.ts";
import type { MinuteClock } from "../claims/clock.ts";
import type { Holding } from "../claims/holding.ts";
import { holdingLines } from "../claims/labels.ts";
import { untilLess } from "../claims/times.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { Rows } from "../rows.ts";
import type { ColorId } from "../tables.ts";
import { decorationUri } from "./decorations.ts";
import type { DiskUses } from "./disk-use.ts";
import {
  type Place,
  describe,
  groupLabel,
  groupOrder,
  iconOf,
  liveLines,
  spoken,
  stateInWords,
  statusInWords,
} from "./labels.ts";
import type { ListChange, WorktreeList } from "./list.ts";
import { isKnown } from "./list.ts";

export interface RepositoryNode {
  readonly kind: "repository";
  readonly repository: string;
}
export interface GroupNode {
  readonly kind: "group";
  readonly repository: string;
  readonly type: WorktreeType;
}
export interface WorktreeNode {
  readonly kind: "worktree";
  readonly repository: string;
  readonly id: string;
}
export type Node = RepositoryNode | GroupNode | WorktreeNode;

/** The *Worktrees* view: repositories only when there are several, then groups by type, then worktrees. */
export class WorktreeTree implements TreeDataProvider<Node>, Disposable {
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #uses: DiskUses;
  readonly #clock: MinuteClock;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<Node | Node[] | undefined>());
  readonly #rows = new Rows<Node>(keyOf);
  readonly #collapsed = new Set<string>();
  /** The rows of each group of a repository, by repository, as VS Code was last told of them. */
  readonly #told = new Map<string, ReadonlyMap<GroupNode, string>>();
  #besides: ReadonlyMap<string, string> = new Map();
  readonly view: TreeView<Node>;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(connection: Connection, list: WorktreeList, uses: DiskUses, clock: MinuteClock) {
    this.#connection = connection;
    this.#list = list;
    this.#uses = uses;
    this.#clock = clock;
    this.view = this.#scope.add(
      window.createTreeView("imi.worktrees", { treeDataProvider: this, canSelectMany: true, showCollapseAll: true }),
    );
    this.#scope.add(list.onDidChange((change) => this.#show(change)));
    this.#scope.add(connection.onDidChangeState(() => this.#sayState()));
    // A tooltip is resolved once for each time its row is told to have changed.
    this.#scope.add(uses.onDidChange((ids) => this.#showAgain(ids)));
    this.#scope.add(workspace.onDidGrantWorkspaceTrust(() => this.#sayState()));
    this.#scope.add(
      this.view.onDidChangeVisibility(() => {
        this.#look();
        this.#showHeld();
      }),
    );
    this.#scope.add(clock.onDidTick(() => this.#showHeld()));
    clock.want("tree", () =>
      this.view.visible ? this.#held.map(({ expiresAt }) => untilLess(expiresAt, Date.now())) : [],
    );
    this.#scope.add(this.view.onDidExpandElement(({ element }) => this.#remember(element, "expanded")));
    this.#scope.add(this.view.onDidCollapseElement(({ element }) => this.#remember(element, "collapsed")));
    this.#look();
    this.#sayState();
  }

  getChildren(node?: Node): Node[] {
    // Without a server nothing is known to be true any more; the welcome view says so and how to go on.
    if (!this.#connection.serves) return [];
    switch (node?.kind) {
      case undefined: {
        const repositories = this.#list.repositories;
        if (repositories.length > 1)
          return repositories.map(({ id }) => this.#rows.same({ kind: "repository", repository: id }));
        return repositories.flatMap(({ id }) => this.#groups(id));
      }
      case "repository":
        return this.#groups(node.repository);
      case "group":
        return this.#worktreesOf(node).map(({ id }) =>
          this.#rows.same({ kind: "worktree", repository: node.repository, id }),
        );
      case "worktree":
        return [];
    }
  }

  getParent(node: Node): Node | undefined {
    switch (node.kind) {
      case "repository":
        return undefined;
      case "group":
        return this.#list.repositories.length > 1
          ? this.#rows.same({ kind: "repository", repository: node.repository })
          : undefined;
      case "worktree": {
        const type = this.#list.get(node.id)?.type;
        return type === undefined ? undefined : this.#rows.same({ kind: "group", repository: node.repository, type });
      }
    }
  }

  getTreeItem(node: Node): TreeItem {
    const item = this.#item(node);
    item.id = keyOf(node);
    return item;
  }

  async resolveTreeItem(item: TreeItem, node: Node, _token: CancellationToken): Promise<TreeItem> {
    const worktree = node.kind === "worktree" ? this.#list.get(node.id) : undefined;
    if (worktree !== undefined)
      item.tooltip = tooltip(worktree, this.#list.holding(worktree), await this.#uses.soon(worktree));
    return item;
  }

  /** What a screen reader says of rows besides what their own worktree tells, by its id. */
  sayBesides(words: ReadonlyMap<string, string>): void {
    const before = this.#besides;
    this.#besides = words;
    const ids = new Set([...before.keys(), ...words.keys()]);
    this.#showAgain([...ids].filter((id) => before.get(id) !== words.get(id)));
  }

  /** The row of a worktree, e.g. to reveal it. */
  nodeOf(worktree: Worktree): Node {
    return this.#rows.same({ kind: "worktree", repository: worktree.repository, id: worktree.id });
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #groups(repository: string): GroupNode[] {
    const types = new Set(this.#list.worktrees(repository).map(({ type }) => type));
    return groupOrder
      .filter((type) => types.has(type))
      .map((type) => this.#rows.same({ kind: "group", repository, type }));
  }

  #worktreesOf({ repository, type }: GroupNode): readonly Worktree[] {
    return this.#list.worktrees(repository).filter((each) => each.type === type);
  }

  #item(node: Node): TreeItem {
    switch (node.kind) {
      case "repository": {
        const repository = this.#list.repositories.find(({ id }) => id === node.repository);
        const item = new TreeItem(repository?.name ?? "", TreeItemCollapsibleState.Expanded);
        item.iconPath = new ThemeIcon("repo");
        item.contextValue = "repository";
        item.tooltip = repository?.container;
        return item;
      }
      case "group": {
        const count = this.#worktreesOf(node).length;
        const item = new TreeItem(groupLabel(node.type), TreeItemCollapsibleState.Expanded);
        item.description = node.type === "trunk" ? "" : String(count);
        item.contextValue = `group+${node.type}`;
        const name = groupLabel(node.type);
        item.accessibilityInformation = {
          label: count === 1 ? l10n.t("{0}, 1 worktree", name) : l10n.t("{0}, {1} worktrees", name, count),
        };
        return item;
      }
      case "worktree": {
        const worktree = this.#list.get(node.id);
        return worktree === undefined ? new TreeItem("") : this.#worktreeItem(worktree);
      }
    }
  }

  #worktreeItem(worktree: Worktree): TreeItem {
    const here = this.#list.openHere.has(worktree.id);
    const place = here ? "this window" : "elsewhere";
    const holding = this.#list.holding(worktree);
    const item = new TreeItem(worktree.name, TreeItemCollapsibleState.None);
    item.description = describe(worktree, place, holding);
    item.iconPath = icon(worktree, place, holding);
    item.resourceUri = decorationUri(worktree);
    item.contextValue = contextValue(worktree, place, holding);
    const label = [spoken(worktree, place, holding), this.#besides.get(worktree.id) ?? []].flat().join(", ");
    item.accessibilityInformation = { label };
    return item;
  }

  get #held(): readonly ClaimHolder[] {
    return this.#list.worktrees().flatMap(({ claim }) => claim ?? []);
  }

  /** How much time is left was drawn a while ago. */
  #showHeld(): void {
    const held = this.#list.worktrees().filter(({ claim }) => claim !== null);
    if (this.view.visible) this.#showAgain(held.map(({ id }) => id));
    this.#clock.look();
  }

  #show(change: ListChange): void {
    if (change.kind === "worktrees") {
      this.#showAgain(change.ids);
    } else {
      this.#forgetGone();
      this.#changed.fire(change.repository === null ? undefined : this.#changedIn(change.repository));
      this.#look();
    }
    this.#clock.look();
    this.#sayState();
  }

  /**
   * What must be drawn anew after rows came or went. VS Code forgets all rows below what it redraws, and a menu opened
   * on one of them meanwhile is a menu on nothing: so it is as little as possible.
   */
  #changedIn(repository: string): Node | Node[] | undefined {
    const before = this.#told.get(repository);
    const now = new Map(
      this.#groups(repository).map((group) => [
        group,
        this.#worktreesOf(group)
          .map(({ id }) => id)
          .join(),
      ]),
    );
    this.#told.set(repository, now);
    if (before !== undefined && before.size === now.size) {
      const changed = [...now.keys()].filter((group) => before.get(group) !== now.get(group));
      if (changed.every((group) => before.has(group))) return changed;
    }
    return this.#list.repositories.length > 1 ? this.#rows.get(`repository:${repository}`) : undefined;
  }

  #showAgain(ids: readonly string[]): void {
    const nodes = ids.flatMap((id) => this.#rows.get(`worktree:${id}`) ?? []);
    if (nodes.length > 0) this.#changed.fire(nodes);
  }

  #forgetGone(): void {
    const here = new Set(this.#list.worktrees().map(({ id }) => id));
    this.#rows.keepOnly((node) => node.kind !== "worktree" || here.has(node.id));
  }

  #remember(node: Node, how: "expanded" | "collapsed"): void {
    if (how === "collapsed") this.#collapsed.add(keyOf(node));
    else this.#collapsed.delete(keyOf(node));
    this.#look();
  }

  /** Statuses are read for the rows that are unfolded while the view is visible. */
  #look(): void {
    this.#list.want("tree", () => {
      if (!this.view.visible) return [];
      return this.#list
        .worktrees()
        .filter(
          ({ repository, type }) =>
            !this.#collapsed.has(`repository:${repository}`) && !this.#collapsed.has(`group:${repository}:${type}`),
        )
        .map(({ id }) => id);
    });
  }

  /** What stands above the rows; empty states are in package.json's viewsWelcome. */
  #message(worktrees: readonly Worktree[]): string | null {
    if (worktrees.length === 0) return null;
    if (this.#connection.state === "starting") return l10n.t("The iMi server is starting again…");
    if (this.#connection.state !== "running") return null;
    if (!workspace.isTrusted)
      return l10n.t("Restricted Mode: you can look at worktrees and open them, not change them.");
    if (this.#list.failure !== null) return this.#list.failure.message;
    if (worktrees.every(({ type }) => type === "trunk")) return l10n.t("No worktrees yet. Create one with + above.");
    return null;
  }

  #sayState(): void {
    const worktrees = this.#list.worktrees();
    const running = this.#connection.state === "running";
    // Not `undefined`: the view's property is an accessor, and its declared type has no such value.
    this.view.message = this.#message(worktrees) ?? "";
    const attention = worktrees.filter(needsAttention).length;
    this.view.badge =
      attention === 0 || !running
        ? undefined
        : {
            value: attention,
            tooltip:
              attention === 1
                ? l10n.t("1 worktree is missing or in conflict")
                : l10n.t("{0} worktrees are missing or in conflict", attention),
          };
  }
}

function keyOf(node: Node): string {
  switch (node.kind) {
    case "repository":
      return `repository:${node.repository}`;
    case "group":
      return `group:${node.repository}:${node.type}`;
    case "worktree":
      return `worktree:${node.id}`;
  }
}

function needsAttention({ state, status }: Worktree): boolean {
  return state === "missing" || (isKnown(status) && status.conflicted > 0);
}

/** `worktree+flag+flag`, matched in package.json's menus. */
function contextValue(worktree: Worktree, place: Place, holding: Holding): string {
  return [
    "worktree",
    worktree.type === "trunk" ? "main" : [],
    worktree.locked === null ? [] : "locked",
    claimFlag(holding),
    flagOf(worktree.state),
    place === "this window" ? "current" : [],
  ]
    .flat()
    .join("+");
}

function claimFlag({ by }: Holding): string[] {
  switch (by) {
    case "nobody":
      return [];
    case "me":
      return ["mine"];
    case "other":
    case "expired":
      return ["held"];
  }
}

/** Whoever makes, removes or restores it has it for the moment; nothing can be done with it meanwhile. */
function flagOf(state: Worktree["state"]): string[] {
  switch (state) {
    case "ready":
      return [];
    case "missing":
      return ["missing"];
    case "creating":
    case "removing":
    case "restoring":
      return ["busy"];
  }
}

function icon(worktree: Worktree, place: Place, holding: Holding): ThemeIcon {
  const color: Partial<Record<string, ColorId>> = {
    ...({ warning: "imi.missingForeground", check: "imi.currentForeground", key: "imi.mineForeground" } as const),
    ...(holding.by === "other" ? ({ lock: "imi.heldForeground" } as const) : {}),
  };
  const id = iconOf(worktree, place, holding);
  const tint = color[id];
  return tint === undefined ? new ThemeIcon(id) : new ThemeIcon(id, new ThemeColor(tint));
}

function tooltip(worktree: Worktree, holding: Holding, use: DiskUse | undefined): MarkdownString {
  const text = new MarkdownString("", true);
  const line = (name: string, value: string): void => {
    text.appendMarkdown(`\n\n**${name}** `).appendText(value);
  };
  text.appendMarkdown("### ").appendText(worktree.name);
  line(l10n.t("Branch"), worktree.branch ?? l10n.t("detached at {0}", worktree.head ?? "?"));
  if (worktree.base !== null) line(l10n.t("Compared with"), worktree.base);
  const status = statusInWords(worktree);
  if (status.length > 0) line(l10n.t("Status"), status.join(", "));
  const words = stateInWords(worktree);
  if (words !== null) line(l10n.t("State"), words);
  for (const [name, value] of liveLines(worktree)) line(name, value);
  if (worktree.locked !== null) line(l10n.t("Locked"), worktree.locked.reason || l10n.t("no reason given"));
  if (worktree.pullRequest !== null) line(l10n.t("Pull request"), `#${worktree.pullRequest}`);
  for (const [name, value] of holdingLines(holding)) line(name, value);
  line(l10n.t("Folder"), worktree.path);
  if (use !== undefined) {
    line(
      l10n.t("Disk use"),
      l10n.t("{0} in {1} files, measured {2}", size(use.bytes), grouped(use.files), ago(use.measuredAt)),
    );
  }
  line(l10n.t("Last used"), new Date(worktree.lastAccessed).toLocaleString());
  return text;
}
