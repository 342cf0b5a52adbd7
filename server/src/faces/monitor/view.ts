import { sameFileMs } from "../../../../protocol/activity-kinds.ts";
import { plural } from "../cli/render/amounts.ts";
import { steadyFor } from "./ages.ts";
import { problemsAt, recentConflicts, type Board } from "./board.ts";
import type { Asked } from "./details.ts";
import type { Place, Ui } from "./keys.ts";
import { clippedLine, exactly, heading, lineWidth, piece, type Line } from "./lines.ts";
import { overlayOf, timesOf } from "./overlays.ts";
import { bodyOf, pageOf, type PanesAt } from "./panes.ts";
import { contains, idsOf, itemsOf } from "./rows.ts";
import { watcherText } from "./words.ts";

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
/** All of the screen, from what is known and where the user is; `now` in ms since 1970. */
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
  const times = (at: number): void => void shown.add(at);
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
