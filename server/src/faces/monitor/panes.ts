import type { Agent } from "../../../../protocol/claims.ts";
import type { Board } from "./board.ts";
import type { Happening } from "./happenings.ts";
import { panes, selectedIn, type Pane, type Ui } from "./keys.ts";
import { clippedLine, exactly, filled, heading, piece, windowed, type Line } from "./lines.ts";
import { agentLine, happeningLine } from "./recent.ts";
import { columnsFor, idsOf, rowOf, type Item } from "./rows.ts";

/** What all panes are drawn from. */
export interface PanesAt {
  readonly board: Board;
  readonly ui: Ui;
  readonly items: readonly Item[];
  readonly happenings: readonly Happening[];
  readonly columns: number;
  readonly now: number;
  /** Is told every time whose age is shown. */
  readonly times: (at: number) => void;
}

/** From here on all panes are seen at once. */
const roomy = { columns: 60, rows: 18 };

const isRoomy = (columns: number, height: number): boolean => columns >= roomy.columns && height >= roomy.rows - 2;

const lowerHeight = (height: number): number => Math.max(5, Math.min(14, Math.floor(height * 0.4)));

/** Lines that a page of the pane has. */
export const pageOf = (pane: Pane, columns: number, height: number): number => {
  if (!isRoomy(columns, height)) return Math.max(1, height - 1);
  return Math.max(1, (pane === "worktrees" ? height - lowerHeight(height) : lowerHeight(height)) - 1);
};

/** The panes: all where there is room for them, else the one the user is in. */
export const bodyOf = (at: PanesAt, height: number): Line[] => {
  const { columns, ui } = at;
  if (!isRoomy(columns, height)) return paneOf(ui.pane, at, columns, height);
  const lower = lowerHeight(height);
  const left = Math.ceil(columns * 0.6) - 1;
  const right = columns - left - 1;
  const recent = exactly(paneOf("recent", at, left, lower), lower);
  const agents = exactly(paneOf("agents", at, right, lower), lower);
  return [
    ...exactly(paneOf("worktrees", at, columns, height - lower), height - lower),
    ...recent.map((line, index) => [
      ...filled(line, left),
      { text: " ", tone: "plain" as const },
      ...clippedLine(agents[index] ?? [], right),
    ]),
  ];
};

const titles: Readonly<Record<Pane, string>> = { worktrees: "Worktrees", recent: "Recent", agents: "Agents" };

const paneOf = (pane: Pane, at: PanesAt, columns: number, height: number): Line[] => {
  const { board, ui, happenings, now, times } = at;
  const alone = !isRoomy(at.columns, height + 6);
  const title = alone && columns === at.columns ? tabs(ui.pane) : titles[pane];
  const room = Math.max(1, height - 1);
  const scrolled = <Each>(all: readonly Each[], from: number): readonly Each[] => {
    const first = Math.max(0, Math.min(from, all.length - room));
    return all.slice(first, first + room);
  };
  switch (pane) {
    case "worktrees":
      return listLines(at, title, columns, room);
    case "recent": {
      const shown = scrolled(happenings, ui.scroll.recent);
      for (const each of shown) times(each.at);
      const empty: Line[] = [[{ text: "  Nothing has happened yet.", tone: "faint" }]];
      const lines = shown.map((each) => clippedLine(happeningLine(each, now, "all worktrees"), columns));
      return [heading(title, columns, look(ui, pane)), ...(lines.length === 0 ? empty : lines)];
    }
    case "agents": {
      const shown = scrolled(agentsSeen(board), ui.scroll.agents);
      for (const { lastSeen } of shown) times(Date.parse(lastSeen));
      const empty: Line[] = [[{ text: "  No agent was here yet.", tone: "faint" }]];
      const lines = shown.map((each) => clippedLine(agentLine(each, now), columns));
      return [heading(title, columns, look(ui, pane)), ...(lines.length === 0 ? empty : lines)];
    }
  }
};

/** The agents, the latest seen first. What happens in a worktree that one holds is a sign of it, too. */
const agentsSeen = ({ agents, happenings }: Board): Agent[] => {
  const latest = new Map<string, number>();
  for (const { agent, at, sign } of happenings) {
    if (agent !== null && sign !== "claim") latest.set(agent, Math.max(at, latest.get(agent) ?? 0));
  }
  return agents
    .map((agent) => {
      const at = latest.get(agent.id) ?? 0;
      return at > Date.parse(agent.lastSeen) ? { ...agent, lastSeen: new Date(at).toISOString() } : agent;
    })
    .toSorted((a, b) => (a.lastSeen < b.lastSeen ? 1 : a.lastSeen > b.lastSeen ? -1 : 0));
};

const look = (ui: Ui, pane: Pane): "focused" | "other" => (ui.pane === pane ? "focused" : "other");

/** Where only one pane has room: which there are. */
const tabs = (current: Pane): string =>
  panes.map((pane) => (pane === current ? `[${titles[pane]}]` : titles[pane])).join(" ");

const listLines = ({ board, ui, items, now, times }: PanesAt, title: string, columns: number, room: number): Line[] => {
  const worktrees = items.flatMap((item) => (item.kind === "worktree" ? [item.worktree] : []));
  const selected = selectedIn(ui, idsOf(items));
  const cursor = items.findIndex((item) => item.kind === "worktree" && item.worktree.id === selected);
  const { from, shown } = windowed(items, Math.max(0, cursor), room);
  for (const item of shown) {
    if (item.kind !== "worktree") continue;
    if (item.worktree.live?.lastChange) times(Date.parse(item.worktree.live.lastChange));
    if (item.worktree.claim !== null) times(Date.parse(item.worktree.claim.expiresAt));
  }
  const widths = columnsFor(worktrees, columns, now);
  const lines = shown.map((item): Line =>
    item.kind === "group"
      ? [
          { text: item.type, tone: "strong" },
          { text: ` ${item.count}`, tone: "faint" },
        ]
      : rowOf(item.worktree, widths, {
          now,
          marker: item.worktree.id === selected ? "here" : "elsewhere",
          total: columns,
        }),
  );
  const part = items.length > room ? ` (lines ${from + 1} to ${from + shown.length} of ${items.length})` : "";
  return [
    heading(`${title}${part}`, columns, look(ui, "worktrees")),
    ...(lines.length === 0 ? [nothing(board, ui)] : lines),
  ];
};

const nothing = ({ worktrees }: Board, { filter }: Ui): Line => {
  if (worktrees === null) return [{ text: "  reading …", tone: "faint" }];
  return [
    piece(
      filter === "" ? "  No worktrees yet. `imi feat NAME` makes one." : "  No worktree matches the filter.",
      "faint",
    ),
  ];
};
