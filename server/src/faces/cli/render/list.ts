import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Worktree, WorktreeStatus } from "../../../../../protocol/worktrees.ts";
import { inside } from "../../../inside.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { ageOf } from "../age.ts";

export const renderList = ({ worktrees }: ResultOf<"worktree.list">, view: View): Rendered => {
  if (worktrees.length === 0) return { lines: [], notes: ["No worktrees yet. `imi feat NAME` makes one."] };
  const here = worktreeHere(worktrees, view.cwd);
  // Without --no-status, and only then, somebody asked for the status of all.
  const asked = worktrees.some((worktree) => worktree.status !== undefined || stateOf(worktree, view) !== null);
  const { paint } = view;
  const held = worktrees.some(({ claim }) => claim !== null);
  const heading = ["  NAME", "TYPE", "BRANCH", ...(asked ? ["STATUS"] : []), ...(held ? ["HELD BY"] : []), "USED"];
  const rows = worktrees.map((worktree): Cell[] => [
    worktree === here
      ? { text: `* ${printable(worktree.name)}`, paint: paint.strong }
      : { text: `  ${printable(worktree.name)}` },
    { text: worktree.type },
    worktree.branch === null
      ? { text: `detached at ${(worktree.head ?? "nothing").slice(0, 8)}`, paint: paint.warning }
      : { text: printable(worktree.branch), paint: paint.name },
    ...(asked ? [statusCell(worktree, view)] : []),
    ...(held ? [{ text: printable(worktree.claim?.agent ?? ""), paint: paint.name }] : []),
    { text: ageOf(worktree.lastAccessed, view.now), paint: paint.faint },
  ]);
  return { lines: table([heading.map((text) => ({ text, paint: paint.faint })), ...rows]) };
};

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
  const status = worktree.status === undefined ? null : statusText(worktree.status, view);
  // What is missing has no status; of one that is locked both matter.
  if (state !== null && (status === null || worktree.state !== "ready")) return state;
  if (state === null) return status ?? { text: "" };
  return { text: `${status?.text ?? ""}, ${state.text}`, paint: view.paint.warning };
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
