import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { LiveFacts, Worktree, WorktreeStatus } from "../../../../../protocol/worktrees.ts";
import { inside } from "../../../inside.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, width, type Cell } from "../text.ts";
import { ageOf } from "../age.ts";

/** Columns that a subject needs to say something; with fewer left there is none. */
const subjectLeast = 20;
/** More of a subject is for `git log`. */
const subjectMost = 72;

export const renderList = ({ worktrees }: ResultOf<"worktree.list">, view: View): Rendered => {
  if (worktrees.length === 0) return { lines: [], notes: ["No worktrees yet. `imi feat NAME` makes one."] };
  const here = worktreeHere(worktrees, view.cwd);
  // Without --no-status, and only then, somebody asked for the status of all.
  const asked = worktrees.some((worktree) => worktree.status !== undefined || stateOf(worktree, view) !== null);
  const { paint } = view;
  const held = worktrees.some(({ claim }) => claim !== null);
  const pushed = worktrees.some((worktree) => upstreamOf(worktree) !== null);
  const heading = [
    ...["  NAME", "TYPE", "BRANCH", ...(asked ? ["STATUS"] : []), ...(pushed ? ["UPSTREAM"] : [])],
    ...[...(held ? ["HELD BY"] : []), "USED"],
  ];
  const rows = worktrees.map((worktree): Cell[] => [
    worktree === here
      ? { text: `* ${printable(worktree.name)}`, paint: paint.strong }
      : { text: `  ${printable(worktree.name)}` },
    { text: worktree.type },
    worktree.branch === null
      ? { text: `detached at ${(worktree.head ?? "nothing").slice(0, 8)}`, paint: paint.warning }
      : { text: printable(worktree.branch), paint: paint.name },
    ...(asked ? [statusCell(worktree, view)] : []),
    ...(pushed ? [{ text: upstreamOf(worktree) ?? "" }] : []),
    ...(held ? [{ text: printable(worktree.claim?.agent ?? ""), paint: paint.name }] : []),
    { text: ageOf(lastUsed(worktree), view.now), paint: paint.faint },
  ]);
  const cells = [heading.map((text): Cell => ({ text, paint: paint.faint })), ...rows];
  return { lines: table(withSubjects(cells, worktrees, view)) };
};

/** The first lines of the last commits, in what the other columns leave free; nothing where that is too little. */
const withSubjects = (cells: readonly Cell[][], worktrees: readonly Worktree[], view: View): readonly Cell[][] => {
  const subjects = worktrees.map(({ live }) => printable(live?.subject ?? ""));
  if (subjects.every((subject) => subject === "")) return cells;
  const bare = table(cells.map((row) => row.map(({ text }) => ({ text }))));
  const taken = Math.max(...bare.map(width)) + 2;
  const room = Math.min(subjectMost, (view.columns ?? Number.POSITIVE_INFINITY) - taken);
  if (room < subjectLeast) return cells;
  return cells.map((row, at) => [
    ...row,
    { text: at === 0 ? "LAST COMMIT" : cut(subjects[at - 1] ?? "", room), paint: view.paint.faint },
  ]);
};

const cut = (text: string, columns: number): string => {
  if (width(text) <= columns) return text;
  const letters = [...text].slice(0, columns);
  while (width(letters.join("")) >= columns) letters.pop();
  return `${letters.join("")}…`;
};

/** How far its branch is from where it is pushed to; null where that is nowhere, or the base, which the status is about. */
const upstreamOf = ({ live, base }: Worktree): string | null => {
  const upstream = live?.upstream ?? null;
  if (upstream === null || upstream.name === base) return null;
  const apart = [
    ["↑", upstream.ahead],
    ["↓", upstream.behind],
  ] as const;
  const shown = apart.filter(([, count]) => count > 0).map(([symbol, count]) => `${symbol}${count}`);
  return shown.length === 0 ? "=" : shown.join(" ");
};

/** When somebody went to it, or something changed in it. */
const lastUsed = ({ lastAccessed, live }: Worktree): string => {
  const changed = live?.lastChange ?? null;
  return changed !== null && changed > lastAccessed ? changed : lastAccessed;
};

/** What git is in the middle of, as what one is doing. */
const operations = {
  merge: "merging",
  rebase: "rebasing",
  "cherry-pick": "cherry-picking",
  revert: "reverting",
  bisect: "bisecting",
  am: "applying mails",
} as const satisfies Record<NonNullable<LiveFacts["operation"]>, string>;

/** The innermost worktree the working directory is in: those of a bare repository may lie inside each other. */
const worktreeHere = (worktrees: readonly Worktree[], cwd: string): Worktree | null => {
  const around = worktrees.filter((worktree) => inside(worktree.path, cwd) !== null);
  return around.reduce<Worktree | null>(
    (best, each) => (best === null || each.path.length > best.path.length ? each : best),
    null,
  );
};

const statusCell = (worktree: Worktree, view: View): Cell => {
  const state = stateOf(worktree, view);
  const status =
    worktree.status === undefined ? null : withOperation(worktree, statusText(worktree.status, view), view);
  // What is missing has no status; of one that is locked both matter.
  if (state !== null && (status === null || worktree.state !== "ready")) return state;
  if (state === null) return status ?? { text: "" };
  return { text: `${status?.text ?? ""}, ${state.text}`, paint: view.paint.warning };
};

/** Nothing is plain as long as git waits for its user. */
const withOperation = ({ live }: Worktree, status: Cell, { paint }: View): Cell => {
  const operation = live?.operation ?? null;
  if (operation === null) return status;
  const counts = status.text === "clean" ? "" : ` ${status.text}`;
  return { text: `${operations[operation]}${counts}`, paint: status.paint === paint.bad ? paint.bad : paint.warning };
};

const stateOf = ({ state, locked }: Worktree, { paint }: View): Cell | null => {
  const lock = locked === null ? null : `locked${locked.reason === "" ? "" : `: ${printable(locked.reason)}`}`;
  switch (state) {
    case "missing":
      return { text: lock === null ? "missing" : `missing, ${lock}`, paint: paint.bad };
    case "creating":
    case "removing":
    case "restoring":
      return { text: state, paint: paint.warning };
    case "ready":
      return lock === null ? null : { text: lock, paint: paint.warning };
  }
};

const statusText = (status: WorktreeStatus, { paint }: View): Cell => {
  // Not isKnown() of the contract: that file would bring zod along.
  if ("unknown" in status) return { text: `unknown: ${printable(status.unknown)}`, paint: paint.bad };
  const parts = [
    ["↑", status.ahead],
    ["↓", status.behind],
    ["!", status.conflicted],
    ["●", status.changed],
    ["+", status.staged],
    ["?", status.untracked],
  ] as const;
  const shown = parts.filter(([, count]) => count > 0).map(([symbol, count]) => `${symbol}${count}`);
  if (shown.length === 0) return { text: "clean", paint: paint.good };
  if (status.conflicted > 0) return { text: shown.join(" "), paint: paint.bad };
  const touched = status.changed + status.staged + status.untracked > 0;
  return touched ? { text: shown.join(" "), paint: paint.warning } : { text: shown.join(" ") };
};
