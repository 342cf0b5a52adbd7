import type { Board } from "./board.ts";
import { detailLines, overlapLines, type Asked } from "./details.ts";
import type { Happening } from "./happenings.ts";
import type { Ui } from "./keys.ts";
import { piece, wrapped, type Line } from "./lines.ts";
import { watcherText } from "./words.ts";

/** What lies over the panes. */
export const overlayOf = (
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
export const timesOf = (board: Board, { overlay }: Ui, happenings: readonly Happening[]): number[] => {
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
