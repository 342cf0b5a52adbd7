import { sameFileMs } from "../../../../protocol/activity-kinds.ts";
import type { Agent } from "../../../../protocol/claims.ts";
import type { ResultOf } from "../../../../protocol/contract.ts";
import { steadyFor } from "./ages.ts";
import { problemsAt, recentConflicts, type Board } from "./board.ts";
import { detailLines, overlapLines, type Answer, type Details } from "./details.ts";
import type { Happening } from "./happenings.ts";
import { panes, selectedIn, type Pane, type Place, type Ui } from "./keys.ts";
import { clippedLine, filled, heading, lineWidth, piece, windowed, wrapped, type Line } from "./lines.ts";
import { plural } from "../cli/render/amounts.ts";
import { agentLine, happeningLine } from "./recent.ts";
import { columnsFor, contains, idsOf, itemsOf, rowOf, type Item } from "./rows.ts";
import { watcherText } from "./words.ts";

/** What is read on demand. */
export interface Asked {
  readonly details: Details;
  readonly overlaps: Answer<ResultOf<"overlap.list">>;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What is to be on the screen: exactly `rows` lines, none wider than `columns`. */
export interface Frame {
  readonly lines: readonly Line[];
  /** What moving about depends on. */
  readonly place: Place;
  /** After how many ms it would look otherwise though nothing happened; null: never. */
  readonly steadyMs: number | null;
}

/** Below this nothing but the counts can be shown. */
const least = { columns: 24, rows: 5 };
/** From here on all panes are seen at once. */
const roomy = { columns: 60, rows: 18 };

export const frameOf = (board: Board, ui: Ui, asked: Asked, size: Size, now: number): Frame => {
  const { columns, rows } = size;
  const items = itemsOf(board.worktrees ?? [], ui.filter);
  const happenings = board.happenings.filter((each) =>
    contains([each.worktree ?? "", each.agent ?? "", each.text], ui.filter),
  );
  const ids = idsOf(items);
  const place: Place = {
    ids,
    lengths: { recent: happenings.length, agents: board.agents.length, overlay: 0 },
    page: Math.max(1, rows - 4),
  };
  if (columns < least.columns || rows < least.rows) {
    const lines = [clippedLine([piece(summary(board, now), "strong")], columns)];
    return { lines: exactly(lines, rows), place, steadyMs: null };
  }
  const notices = noticesOf(board, columns, now).slice(0, Math.max(1, Math.floor(rows / 5)));
  const height = rows - 2 - notices.length;
  const shown = new Set<number>();
  const times = (at: number): number => {
    shown.add(at);
    return at;
  };
  const overlay = ui.overlay === null ? null : overlayOf(board, ui, asked, columns, now);
  const panesAt: PanesAt = { board, ui, items, happenings, columns, now, times };
  const body =
    overlay === null
      ? bodyOf(panesAt, height)
      : [
          heading(overlay.title, columns, "focused"),
          ...overlay.lines
            .slice(ui.scroll.overlay, ui.scroll.overlay + height - 1)
            .map((line) => clippedLine(line, columns)),
        ];
  if (overlay !== null) timesOf(board, ui, happenings).forEach(times);
  const lines = [header(board, columns, now), ...exactly(body, height), ...notices, footer(ui, columns)];
  return {
    lines: exactly(lines, rows),
    place: {
      ...place,
      lengths: { ...place.lengths, overlay: overlay?.lines.length ?? 0 },
      page: overlay === null ? pageOf(ui.pane, columns, height) : Math.max(1, height - 1),
    },
    steadyMs: soonest(steadyFor(shown, now), noticesEnd(board, now)),
  };
};

const soonest = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

/** When the first of the conflicts and warnings that are shown is gone. */
const noticesEnd = (board: Board, now: number): number | null => {
  const ends = [
    ...recentConflicts(board, now).map(({ at }) => at + sameFileMs),
    ...problemsAt(board, now).flatMap(({ until }) => (until === null ? [] : [until])),
  ];
  return ends.length === 0 ? null : Math.max(1, Math.min(...ends) - now);
};

const exactly = (lines: readonly Line[], count: number): Line[] =>
  Array.from({ length: Math.max(0, count) }, (_, index) => lines[index] ?? []);

const summary = (board: Board, now: number): string => {
  const conflicts = recentConflicts(board, now).length;
  const count = board.worktrees?.length ?? 0;
  return [plural(count, "worktree"), ...(conflicts > 0 ? [plural(conflicts, "conflict")] : [])].join(", ");
};

const header = (board: Board, columns: number, now: number): Line => {
  const held = board.worktrees?.filter(({ claim }) => claim !== null).length ?? 0;
  const facts: Line = [
    { text: "iMi ", tone: "strong" },
    piece(board.repository ?? "", "name"),
    piece(`  ${summary(board, now)}${held > 0 ? `, ${held} held` : ""}`),
  ];
  const who = watcherText(board.watcher);
  const room = columns - lineWidth(facts) - 2;
  if (who === "" || room < 12) return clippedLine(facts, columns);
  const right = clippedLine([piece(who, board.watcher?.who === "nobody" ? "warning" : "faint")], room);
  return [...facts, { text: " ".repeat(columns - lineWidth(facts) - lineWidth(right)), tone: "plain" }, ...right];
};

const noticesOf = (board: Board, columns: number, now: number): Line[] => [
  ...recentConflicts(board, now).map(({ file, agents }): Line =>
    clippedLine(
      [
        { text: "! ", tone: "bad" },
        piece(file, "strong"),
        piece(` was changed by ${agents.map(({ agent, worktree }) => `${agent} in ${worktree}`).join(" and ")}`),
      ],
      columns,
    ),
  ),
  ...problemsAt(board, now).map(({ text }) => clippedLine([piece(text, "warning")], columns)),
];

const footer = ({ mode, filter, overlay }: Ui, columns: number): Line => {
  if (mode === "typing")
    return clippedLine(
      [piece(`/${filter}`, "strong"), piece("▏"), piece("  Enter keeps it, Esc ends it", "faint")],
      columns,
    );
  const kept = filter === "" ? [] : [piece(`/${filter}`, "strong"), piece("  ")];
  const keys =
    overlay === null
      ? "? help  q leave  / filter  Enter details  c conflicts  r refresh  Tab pane  ↑↓ move"
      : "Esc back  ↑↓ scroll  q back  ? help";
  return clippedLine([...kept, piece(keys, "faint")], columns);
};

interface PanesAt {
  readonly board: Board;
  readonly ui: Ui;
  readonly items: readonly Item[];
  readonly happenings: readonly Happening[];
  readonly columns: number;
  readonly now: number;
  /** Is told every time whose age is shown. */
  readonly times: (at: number) => void;
}

const isRoomy = (columns: number, height: number): boolean => columns >= roomy.columns && height >= roomy.rows - 2;

const lowerHeight = (height: number): number => Math.max(5, Math.min(14, Math.floor(height * 0.4)));

const pageOf = (pane: Pane, columns: number, height: number): number => {
  if (!isRoomy(columns, height)) return Math.max(1, height - 1);
  return Math.max(1, (pane === "worktrees" ? height - lowerHeight(height) : lowerHeight(height)) - 1);
};

const bodyOf = (at: PanesAt, height: number): Line[] => {
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
  const alone = height === undefined || !isRoomy(at.columns, height + 6);
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

const overlayOf = (
  board: Board,
  ui: Ui,
  asked: Asked,
  columns: number,
  now: number,
): { readonly title: string; readonly lines: readonly Line[] } => {
  const { overlay } = ui;
  switch (overlay?.kind) {
    case "conflicts":
      return { title: "Conflicts between worktrees", lines: overlapLines(asked.overlaps, columns) };
    case "details": {
      const worktree = board.worktrees?.find(({ id }) => id === overlay.id);
      const lines =
        worktree === undefined
          ? [[piece("This worktree is gone.", "warning")]]
          : detailLines(worktree, asked.details, columns, now);
      return { title: "Worktree", lines };
    }
    case "help":
    case undefined:
      return { title: "Keys and signs", lines: helpLines(board, columns) };
  }
};

/** What an overlay shows of times: those of the worktree, and of what happened in it. */
const timesOf = (board: Board, { overlay }: Ui, happenings: readonly Happening[]): number[] => {
  if (overlay?.kind !== "details") return [];
  const worktree = board.worktrees?.find(({ id }) => id === overlay.id);
  if (worktree === undefined) return [];
  return [
    ...(worktree.claim === null ? [] : [Date.parse(worktree.claim.expiresAt)]),
    ...happenings.filter((each) => each.worktree === worktree.name).map(({ at }) => at),
  ];
};

const help: readonly (readonly [string, string])[] = [
  ["↑ ↓ j k", "move; PgUp, PgDn, Home, End, g, G too"],
  ["Tab", "next pane"],
  ["Enter", "more about a worktree: its files, what happened in it"],
  ["c", "conflicts: which worktrees changed the same files"],
  ["/", "filter by name, branch, agent or subject"],
  ["r", "read everything again"],
  ["Esc", "back; also ends a filter"],
  ["q", "leave (Ctrl+C too); Ctrl+Z suspends"],
  ["", ""],
  ["↑2 ↓1", "commits ahead of and behind the base"],
  ["⇡2 ⇣1", "commits ahead of and behind the branch it is pushed to"],
  ["!1 ●3", "files in conflict, files changed"],
  ["+1 ?2", "files staged, files git does not know"],
  ["name 25m", "who holds it, and for how long still"],
];

const helpLines = (board: Board, columns: number): Line[] => [
  ...help.map(([key, what]): Line => [
    { text: `  ${key.padEnd(10)}`, tone: "strong" },
    { text: what, tone: "plain" },
  ]),
  [],
  ...wrapped(watcherText(board.watcher), columns, "faint"),
  // Also what is a while ago, and may still be so.
  ...[...board.problems.values()].toReversed().flatMap(({ text }) => wrapped(text, columns, "warning")),
];
