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
import type { Agent } from "../../../protocol/claims.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { ago } from "../amounts.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { Rows } from "../rows.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import type { AgentList } from "./agent-list.ts";
import type { MinuteClock } from "./clock.ts";
import { kindIcon, kindInWords } from "./labels.ts";
import { untilMinuteOlder } from "./times.ts";

/** The row of an agent, and what its menu passes to a command. */
export interface AgentNode {
  readonly kind: "agent";
  readonly id: string;
}

/** The *Agents* view: who works here, in which worktree, and when he was last seen. */
export class AgentsView implements TreeDataProvider<AgentNode>, Disposable {
  readonly #connection: Connection;
  readonly #agents: AgentList;
  readonly #list: WorktreeList;
  readonly #clock: MinuteClock;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<undefined>());
  readonly #rows = new Rows<AgentNode>(({ id }) => id);
  readonly view: TreeView<AgentNode>;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(connection: Connection, agents: AgentList, list: WorktreeList, clock: MinuteClock) {
    this.#connection = connection;
    this.#agents = agents;
    this.#list = list;
    this.#clock = clock;
    this.view = this.#scope.add(window.createTreeView("imi.agents", { treeDataProvider: this }));
    this.#scope.add(agents.onDidChange(() => this.#show()));
    this.#scope.add(connection.onDidChangeState(() => this.#show()));
    // Whose claim a row's is, and whether its worktree is one of this window, is the list's to know.
    this.#scope.add(list.onDidChange(() => this.view.visible && this.#changed.fire(undefined)));
    this.#scope.add(clock.onDidTick(() => this.view.visible && this.#changed.fire(undefined)));
    this.#scope.add(this.view.onDidChangeVisibility(() => this.#look()));
    clock.want("agents", () =>
      this.view.visible ? agents.all.map(({ lastSeen }) => untilMinuteOlder(lastSeen, Date.now())) : [],
    );
    this.#look();
  }

  getChildren(node?: AgentNode): AgentNode[] {
    if (node !== undefined || !this.#connection.serves) return [];
    return this.#agents.all.map(({ id }) => this.#rows.same({ kind: "agent", id }));
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(node: AgentNode): TreeItem {
    const agent = this.#agents.all.find(({ id }) => id === node.id);
    const item = new TreeItem(agent?.name ?? node.id, TreeItemCollapsibleState.None);
    item.id = node.id;
    if (agent === undefined) return item;
    const seen = ago(agent.lastSeen);
    item.description = [agent.worktree?.name ?? l10n.t("holds nothing"), seen].join(" · ");
    item.iconPath = new ThemeIcon(kindIcon(agent.kind));
    item.contextValue = this.#contextValue(agent);
    const held = agent.worktree === null ? l10n.t("holds nothing") : l10n.t("holds {0}", agent.worktree.name);
    const label = [agent.name, kindInWords(agent.kind), held, l10n.t("last seen {0}", seen)].join(", ");
    item.accessibilityInformation = { label };
    return item;
  }

  resolveTreeItem(item: TreeItem, node: AgentNode): TreeItem {
    const agent = this.#agents.all.find(({ id }) => id === node.id);
    if (agent !== undefined) item.tooltip = tooltip(agent);
    return item;
  }

  /** The worktree an agent's row stands for, where it is one of this window. */
  worktreeOf({ id }: AgentNode): Worktree | undefined {
    const held = this.#agents.all.find((agent) => agent.id === id)?.worktree;
    return held === null || held === undefined ? undefined : this.#list.get(held.id);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  /** `agent+flag+flag`, matched in package.json's menus. */
  #contextValue(agent: Agent): string {
    const worktree = this.worktreeOf({ kind: "agent", id: agent.id });
    if (worktree === undefined) return "agent";
    return this.#list.holding(worktree).by === "me" ? "agent+here+mine" : "agent+here+held";
  }

  #look(): void {
    this.#agents.reading.watch(() => this.view.visible);
    if (this.view.visible) {
      void window.withProgress({ location: { viewId: "imi.agents" } }, () => this.#agents.reading.settled);
      // What stood there when it was hidden is as old as that.
      this.#changed.fire(undefined);
    }
    this.#clock.look();
  }

  #show(): void {
    const { all, reading } = this.#agents;
    const known = new Set(all.map(({ id }) => id));
    this.#rows.keepOnly(({ id }) => known.has(id));
    // Not `undefined`: the view's property is an accessor, and its declared type has no such value.
    this.view.message = this.#connection.serves && all.length > 0 ? (reading.failure?.message ?? "") : "";
    this.#changed.fire(undefined);
    this.#clock.look();
  }
}

function tooltip({ id, name, kind, provider, worktree, lastSeen }: Agent): MarkdownString {
  const text = new MarkdownString("", true);
  const line = (what: string, value: string): void => {
    text.appendMarkdown(`\n\n**${what}** `).appendText(value);
  };
  text.appendMarkdown("### ").appendText(name);
  if (name !== id) line(l10n.t("Id"), id);
  line(l10n.t("Kind"), kindInWords(kind));
  if (provider !== null) line(l10n.t("Provider"), provider);
  if (worktree !== null) {
    line(l10n.t("Holds"), worktree.name);
    line(l10n.t("Folder"), worktree.path);
  }
  line(l10n.t("Last seen"), new Date(lastSeen).toLocaleString());
  return text;
}
