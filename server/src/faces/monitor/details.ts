import type { ResultOf } from "../../../../protocol/contract.ts";
import type { Overlap } from "../../../../protocol/overlap.ts";
import type { Worktree } from "../../../../protocol/worktrees.ts";
import { age, left } from "./ages.ts";
import type { Happening } from "./happenings.ts";
import { happeningLine } from "./recent.ts";
import { piece, wrapped, type Line, type Piece } from "./lines.ts";
import { statusOf } from "./rows.ts";

/** What was asked for and is being read, or could not be. */
export type Answer<Value> =
  | { readonly state: "reading" }
  | { readonly state: "failed"; readonly reason: string }
  | { readonly state: "read"; readonly value: Value };

/** What is read when somebody looks at one worktree. */
export interface Details {
  readonly files: Answer<ResultOf<"worktree.changes">>;
  readonly happenings: Answer<readonly Happening[]>;
}

/** What is read on demand. */
export interface Asked {
  readonly details: Details;
  readonly overlaps: Answer<ResultOf<"overlap.list">>;
}

export const detailLines = (worktree: Worktree, details: Details, columns: number, now: number): Line[] => {
  const { name, path, branch, base, head, claim, live, pullRequest, createdAt } = worktree;
  const fact = (label: string, ...pieces: readonly Piece[]): Line => [
    { text: `${label.padEnd(10)} `, tone: "faint" },
    ...pieces,
  ];
  const upstream = live?.upstream ?? null;
  return [
    [piece(name, "strong"), { text: "  ", tone: "plain" }, { text: worktree.type, tone: "faint" }],
    fact("folder", piece(path)),
    fact("branch", piece(branch ?? "none: detached", branch === null ? "warning" : "name")),
    fact("commit", piece((head ?? "none").slice(0, 10)), piece(live?.subject ? `  ${live.subject}` : "")),
    fact("status", ...statusOf(worktree)),
    ...(base === null ? [] : [fact("base", piece(base))]),
    ...(upstream === null
      ? []
      : [fact("pushed to", piece(`${upstream.name}, ${upstream.ahead} ahead, ${upstream.behind} behind`))]),
    ...(pullRequest === null ? [] : [fact("request", piece(`#${pullRequest}`))]),
    ...(claim === null
      ? [fact("held by", { text: "nobody", tone: "faint" })]
      : [
          fact(
            "held by",
            piece(claim.agent, "name"),
            piece(`  for ${age(Date.parse(claim.since), now)}, ${left(Date.parse(claim.expiresAt), now)} left`),
            piece(claim.task === null ? "" : `  ${claim.task}`, "faint"),
          ),
        ]),
    ...((live?.recentAgents ?? []).length === 0
      ? []
      : [fact("worked on", piece((live?.recentAgents ?? []).map(({ agent }) => agent).join(", ")))]),
    fact("made", piece(`${age(Date.parse(createdAt), now)} ago`)),
    [],
    [{ text: "Files that are not committed", tone: "strong" }],
    ...answerLines(details.files, columns, ({ files, total }) => [
      ...files.map(({ path: file, change, from }): Line => [
        {
          text: `  ${change.padEnd(8)} `,
          tone: change === "deleted" ? "bad" : change === "added" ? "good" : "warning",
        },
        piece(from === null ? file : `${from} → ${file}`),
      ]),
      ...(total > files.length ? [[{ text: `  and ${total - files.length} more`, tone: "faint" } as const]] : []),
    ]),
    [],
    [{ text: "What happened here", tone: "strong" }],
    ...answerLines(details.happenings, columns, (happenings) =>
      happenings.map((each): Line => [{ text: "  ", tone: "plain" }, ...happeningLine(each, now, "one worktree")]),
    ),
  ];
};

export const overlapLines = (answer: Answer<ResultOf<"overlap.list">>, columns: number): Line[] => [
  ...answerLines(answer, columns, ({ overlaps, looked, base, unknown }) => [
    [{ text: `${looked} worktrees compared with ${base}`, tone: "faint" }],
    [],
    ...overlaps.flatMap(overlapOf),
    ...unknown.map(({ name, reason }): Line => [piece(`${name} could not be read: ${reason}`, "warning")]),
  ]),
];

const overlapOf = ({ a, b, files, merge }: Overlap): Line[] => {
  const verdict: Piece =
    merge.clean === null
      ? piece(`not known: ${merge.reason ?? ""}`, "warning")
      : merge.clean
        ? { text: "would merge", tone: "good" }
        : { text: "would conflict", tone: "bad" };
  const conflicting = new Set(merge.conflicts.flatMap(({ paths }) => paths));
  return [
    [piece(a, "name"), { text: " and ", tone: "faint" }, piece(b, "name"), { text: "  ", tone: "plain" }, verdict],
    ...files
      .slice(0, filesShown)
      .map(({ path, near }): Line => [
        { text: `  ${near.padEnd(8)} `, tone: "faint" },
        piece(path, conflicting.has(path) ? "bad" : "plain"),
      ]),
    ...(files.length > filesShown
      ? [[{ text: `  and ${files.length - filesShown} more`, tone: "faint" } as const]]
      : []),
    [],
  ];
};

const filesShown = 8;

const answerLines = <Value>(
  answer: Answer<Value>,
  columns: number,
  shown: (value: Value) => readonly Line[],
): readonly Line[] => {
  if (answer.state === "reading") return [[{ text: "  reading …", tone: "faint" }]];
  if (answer.state === "failed") return wrapped(answer.reason, columns, "bad");
  const lines = shown(answer.value);
  return lines.length === 0 ? [[{ text: "  none", tone: "faint" }]] : lines;
};
