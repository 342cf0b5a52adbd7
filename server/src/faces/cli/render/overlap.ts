import type { ResultOf } from "../../../../../protocol/contract.ts";
import type {
  Conflict,
  LineRange,
  MergeSide,
  Overlap,
  Prediction,
  SharedFile,
} from "../../../../../protocol/overlap.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { grouped, listed, plural } from "./amounts.ts";

type Paint = View["paint"];

/** Exit code 1 unless the merge is known to be clean, as `git merge-tree` has it. */
export const renderMergeCheck = (
  { a, b, relation, committed, working }: ResultOf<"overlap.merge-check">,
  { paint }: View,
): Rendered => {
  const [from, into] = [paint.name(printable(a.name)), paint.name(printable(b.name))];
  const held = [a, b].flatMap((side) => heldBy(side));
  const what = relationWords[relation];
  const lines = [
    `${from} into ${into}${what === null || committed.clean !== true ? "" : `, ${what}`}: ${answer(committed, paint)}`,
    ...conflictLines(committed.conflicts, paint),
  ];
  if (held.length > 0 || working.clean !== committed.clean) {
    lines.push(
      `With what is not committed${held.length === 0 ? "" : ` (${listed(held)})`}: ${answer(working, paint)}`,
      ...conflictLines(working.conflicts, paint),
    );
  }
  return { lines, exitCode: committed.clean === true && working.clean === true ? 0 : 1 };
};

const relationWords: Readonly<Record<ResultOf<"overlap.merge-check">["relation"], string | null>> = {
  "up-to-date": "which has all its commits",
  "fast-forward": "a fast-forward",
  diverged: null,
};

const answer = ({ clean, reason, conflicts }: Prediction, paint: Paint): string => {
  if (clean === true) return paint.good("clean");
  if (clean === null) return paint.warning(`not known: ${printable(reason ?? "no reason given")}`);
  return paint.bad(plural(conflicts.length, "conflict"));
};

const conflictLines = (conflicts: readonly Conflict[], paint: Paint): string[] =>
  table(
    conflicts.map(({ path, kind, paths }): Cell[] => [
      { text: `  ${printable(path)}` },
      { text: kind, paint: paint.bad },
      { text: paths.length > 1 ? paths.slice(1).map(printable).join(", ") : "", paint: paint.faint },
    ]),
  );

/** `feat-x: 2 changed, 1 untracked`; nothing where everything is committed. */
const heldBy = ({ name, uncommitted }: MergeSide): string[] => {
  if (uncommitted === null) return [];
  const { staged, changed, untracked, conflicted } = uncommitted;
  const parts = Object.entries({ staged, changed, untracked, conflicted })
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${grouped(count)} ${word}`);
  return parts.length === 0 ? [] : [`${printable(name)}: ${parts.join(", ")}`];
};

/** Files shown of a pair where nobody asked for lines; `--json` has them all. */
const shownFiles = 5;

/** Pairs shown where nobody asked for some by name. */
const shownPairs = 40;

export const renderOverlaps = (
  { base, looked, overlaps, unknown }: ResultOf<"overlap.list">,
  { paint, asked }: View,
): Rendered => {
  const ranges = asked["hunks"] === true;
  const notes = unknown.map(({ name, reason }) => `${printable(name)} is not wholly known: ${printable(reason)}.`);
  if (overlaps.length === 0) {
    const nobody = `No two of ${plural(looked, "worktree")} changed the same file (since ${printable(base)}).`;
    return { lines: [], notes: [...notes, nobody] };
  }
  const shown = Array.isArray(asked["names"]) ? overlaps : overlaps.slice(0, shownPairs);
  const rest = overlaps.length - shown.length;
  if (rest > 0) notes.push(`${plural(rest, "more pair")} not shown: \`imi conflicts NAME\` shows one worktree's.`);
  const lines = shown.flatMap((overlap, index) => [
    ...(index === 0 ? [] : [""]),
    `${paint.name(printable(overlap.a))} and ${paint.name(printable(overlap.b))}: ${answer(overlap.merge, paint)}`,
    ...fileLines(overlap, ranges, paint),
  ]);
  return { lines, notes };
};

const fileLines = ({ files, merge }: Overlap, ranges: boolean, paint: Paint): string[] => {
  const shown = ranges ? files : files.slice(0, shownFiles);
  const kinds = new Map(merge.conflicts.flatMap(({ paths, kind }) => paths.map((path) => [path, kind] as const)));
  const rows = table(
    shown.map((file): Cell[] => {
      const kind = kinds.get(file.path) ?? kinds.get(file.a.path) ?? kinds.get(file.b.path);
      return [
        { text: `  ${printable(file.path)}` },
        { text: nearWords[file.near] },
        kind === undefined ? { text: doneTo(file), paint: paint.faint } : { text: kind, paint: paint.bad },
      ];
    }),
  );
  const known = new Set(files.flatMap(({ path, a, b }) => [path, a.path, b.path]));
  const elsewhere = merge.conflicts.filter(({ paths }) => !paths.some((path) => known.has(path)));
  return [
    ...rows.flatMap((row, index) => [row, ...(shown[index]?.hunks ?? []).map(hunkLine)]),
    ...(files.length > shown.length ? [paint.faint(`  and ${plural(files.length - shown.length, "more file")}`)] : []),
    ...conflictLines(elsewhere, paint),
  ];
};

const nearWords: Readonly<Record<SharedFile["near"], string>> = {
  whole: "whole file",
  overlap: "same lines",
  touch: "lines close by",
  apart: "other lines",
  same: "same change",
};

/** Only where it is more than a change of content. */
const doneTo = ({ a, b }: SharedFile): string =>
  a.change === "changed" && b.change === "changed" ? "" : a.change === b.change ? a.change : `${a.change}, ${b.change}`;

const hunkLine = ({ near, a, b }: NonNullable<SharedFile["hunks"]>[number]): string =>
  `    ${linesOf(a)} and ${linesOf(b)}${near === "touch" ? ", close by" : ""}`;

const linesOf = ({ line, count }: LineRange): string => {
  if (count === 0) return `after line ${line}`;
  return count === 1 ? `line ${line}` : `lines ${line}-${line + count - 1}`;
};
