import type { StatusCounts, Worktree, WorktreeType } from "../../../../protocol/worktrees.ts";
import { width } from "../cli/text.ts";
import { age, left } from "./ages.ts";
import { clippedLine, paddedPiece, piece, type Line, type Piece } from "./lines.ts";

/** The kinds in the contract's order; its file would bring zod along. test/faces/monitor-view.test.ts compares the two. */
export const typesInOrder: readonly WorktreeType[] = ["trunk", "feat", "fix", "review", "aiops", "devops", "other"];

/** A line of the list: the heading of a kind, or a worktree. */
export type Item =
  | { readonly kind: "group"; readonly type: WorktreeType; readonly count: number }
  | { readonly kind: "worktree"; readonly worktree: Worktree };

/** Those that the filter lets through, by kind. */
export const itemsOf = (worktrees: readonly Worktree[], filter: string): Item[] => {
  const wanted = worktrees.filter((worktree) => matches(worktree, filter));
  const groups = Map.groupBy(wanted, ({ type }) => type);
  return typesInOrder.flatMap((type): Item[] => {
    const members = groups.get(type);
    if (members === undefined) return [];
    return [
      { kind: "group", type, count: members.length },
      ...members.map((worktree): Item => ({ kind: "worktree", worktree })),
    ];
  });
};

export const idsOf = (items: readonly Item[]): string[] =>
  items.flatMap((item) => (item.kind === "worktree" ? [item.worktree.id] : []));

const matches = ({ name, branch, type, claim, live }: Worktree, filter: string): boolean =>
  contains([name, branch ?? "", type, claim?.agent ?? "", live?.subject ?? ""], filter);

/** Whether each word of the filter is in one of the texts, whatever its case. */
export const contains = (texts: readonly string[], filter: string): boolean => {
  const words = filter.toLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return true;
  const lower = texts.map((each) => each.toLowerCase());
  return words.every((word) => lower.some((each) => each.includes(word)));
};

/** How wide the columns of the list are; 0: left out. */
export interface Columns {
  readonly name: number;
  readonly branch: number;
  readonly status: number;
  readonly holder: number;
  readonly subject: number;
  readonly age: number;
}

/** What is left out first where there is little room: the subject, the branch, the holder, the age. */
export const columnsFor = (worktrees: readonly Worktree[], total: number, now: number): Columns => {
  const widest = (text: (worktree: Worktree) => string): number =>
    worktrees.reduce((most, worktree) => Math.max(most, width(text(worktree))), 0);
  let room = total - 2;
  const take = (wanted: number, least: number, most: number): number => {
    const given = Math.min(wanted, most, room - 1);
    if (wanted === 0 || given < Math.min(wanted, least)) return 0;
    room -= given + 1;
    return given;
  };
  const name = take(
    widest(({ name: text }) => piece(text).text),
    1,
    Math.max(12, Math.floor(total * 0.3)),
  );
  const status = take(
    widest((worktree) => textOf(statusOf(worktree))),
    5,
    Math.max(10, Math.floor(total * 0.3)),
  );
  const ages = take(
    widest((worktree) => changedOf(worktree, now)),
    2,
    4,
  );
  const holder = take(
    widest((worktree) => textOf(holderOf(worktree, now))),
    6,
    Math.max(12, Math.floor(total * 0.22)),
  );
  // A branch that the name says already is only worth its columns where there are many.
  const branch = take(
    widest((worktree) => branchOf(worktree, total >= 140 ? "always" : "unsaid")),
    8,
    Math.floor(total * 0.2),
  );
  const subject = take(
    widest(({ live }) => piece(live?.subject ?? "").text),
    8,
    72,
  );
  return { name, branch, status, holder, subject, age: ages };
};

/** A worktree as one line; `marker` says whether the cursor is on it. */
export const rowOf = (
  worktree: Worktree,
  columns: Columns,
  { now, marker, total }: { readonly now: number; readonly marker: "here" | "elsewhere"; readonly total: number },
): Line => {
  const cells: Piece[] = [];
  const cell = (one: Piece, size: number): void => {
    if (size > 0) cells.push(paddedPiece(one, size), { text: " ", tone: "plain" });
  };
  const chosen = marker === "here";
  cell(piece(worktree.name, chosen ? "chosen" : "plain"), columns.name);
  const branches = total >= 140 ? "always" : "unsaid";
  cell(piece(branchOf(worktree, branches), worktree.branch === null ? "warning" : "name"), columns.branch);
  for (const each of fitted(statusOf(worktree), columns.status)) cells.push(each);
  if (columns.status > 0) cells.push({ text: " ", tone: "plain" });
  for (const each of fitted(holderOf(worktree, now), columns.holder)) cells.push(each);
  if (columns.holder > 0) cells.push({ text: " ", tone: "plain" });
  cell(piece(changedOf(worktree, now), recency(worktree, now)), columns.age);
  cell(piece(worktree.live?.subject ?? "", "faint"), columns.subject);
  return clippedLine([{ text: chosen ? "▸ " : "  ", tone: "strong" }, ...cells], total);
};

const fitted = (line: Line, columns: number): Line => {
  if (columns === 0) return [];
  const kept = clippedLine(line, columns);
  const missing = columns - kept.reduce((sum, { text }) => sum + width(text), 0);
  return [...kept, { text: " ".repeat(Math.max(0, missing)), tone: "plain" }];
};

const textOf = (line: Line): string => line.map(({ text }) => text).join("");

const branchOf = ({ name, branch, head }: Worktree, show: "always" | "unsaid"): string => {
  if (branch === null) return `at ${(head ?? "nothing").slice(0, 7)}`;
  const said = branch.replaceAll("/", "-");
  return show === "unsaid" && (said === name || `trunk-${said}` === name) ? "" : piece(branch).text;
};

/** State, operation, counts; `…` while it is not known yet. */
export const statusOf = ({ state, status, live, locked }: Worktree): Line => {
  if (state !== "ready") return [{ text: state, tone: state === "missing" ? "bad" : "warning" }];
  const parts: Piece[] = [];
  if (live?.operation) parts.push({ text: live.operation, tone: "warning" });
  if (status === undefined) parts.push({ text: "…", tone: "faint" });
  else if ("unknown" in status) parts.push(piece(`unknown: ${status.unknown}`, "bad"));
  else parts.push(...countsOf(status, live?.upstream ?? null));
  if (locked !== null) parts.push({ text: "locked", tone: "faint" });
  return parts.flatMap((part, index): Piece[] => (index === 0 ? [part] : [{ text: " ", tone: "plain" }, part]));
};

/** Against its base `↑2 ↓1`, against its upstream `⇡1 ⇣3`, where those differ from the former. */
const countsOf = (
  { ahead, behind, conflicted, changed, staged, untracked }: StatusCounts,
  upstream: { readonly ahead: number; readonly behind: number } | null,
): Piece[] => {
  const parts: Piece[] = [];
  const part = (sign: string, count: number, tone: Piece["tone"]): void => {
    if (count > 0) parts.push({ text: `${sign}${count}`, tone });
  };
  part("↑", ahead, "plain");
  part("↓", behind, "plain");
  part("⇡", upstream?.ahead ?? 0, "name");
  part("⇣", upstream?.behind ?? 0, "name");
  part("!", conflicted, "bad");
  part("●", changed, "warning");
  part("+", staged, "good");
  part("?", untracked, "warning");
  return parts.length === 0 ? [{ text: "clean", tone: "good" }] : parts;
};

/** `claude-1 25m` */
export const holderOf = ({ claim }: Worktree, now: number): Line =>
  claim === null
    ? []
    : [piece(claim.agent, "name"), { text: ` ${left(Date.parse(claim.expiresAt), now)}`, tone: "faint" }];

/** When something in it last changed, as an age; nothing where that is not known. */
const changedOf = ({ live }: Worktree, now: number): string =>
  live?.lastChange ? age(Date.parse(live.lastChange), now) : "";

const recency = ({ live }: Worktree, now: number): Piece["tone"] =>
  live?.lastChange && now - Date.parse(live.lastChange) < 60_000 ? "strong" : "faint";
