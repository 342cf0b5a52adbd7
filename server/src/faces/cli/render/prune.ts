import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { PruneCandidate } from "../../../../../protocol/prune.ts";
import { ageOf } from "../age.ts";
import { commandLine, lastWords } from "../given.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { dayOf, plural, size } from "./amounts.ts";
import { exposed, inWords } from "./work.ts";

type Pruned = ResultOf<"worktree.prune">;

const nothing = "No worktree is merged or idle. Nothing was removed.";

export const renderPruned = (pruned: Pruned, view: View): Rendered =>
  view.asked["yes"] === true ? renderRemovals(pruned, view) : renderProposal(pruned, view);

const renderProposal = ({ candidates, failed }: Pruned, view: View): Rendered => {
  const not = failed.map(({ name, reason }) => `${printable(name)} is not proposed: ${printable(reason)}.`);
  if (candidates.length === 0) return { lines: [], notes: [...not, nothing] };
  const heading = ["NAME", "WHY", "IDLE SINCE", "SIZE", "HOLDS"].map((text) => ({ text, paint: view.paint.faint }));
  return {
    lines: [
      ...table([heading, ...candidates.map((candidate) => rowOf(candidate, view))]),
      sumOf(
        plural(candidates.length, "worktree"),
        candidates.map(({ bytes }) => bytes),
      ),
    ],
    notes: [...not, `Nothing was removed. ${howTo(candidates, view)}`],
  };
};

/** The same again, for real. Without names only what holds no work is removed, so that nobody has to read every line first. */
const howTo = (candidates: readonly PruneCandidate[], view: View): string => {
  const clean = candidates.some(({ work }) => work.answer === "clean");
  const busy = candidates.find(({ work }) => work.answer !== "clean");
  if (Array.isArray(view.asked["names"])) {
    const all = forReal(
      view,
      candidates.map(({ worktree }) => worktree.name),
    );
    return `${all} moves ${these(candidates)} to the trash${busy === undefined ? "" : ", work salvaged first"}.`;
  }
  if (busy === undefined) return `${forReal(view, [])} moves ${these(candidates)} to the trash.`;
  const byName = forReal(view, [busy.worktree.name]);
  if (!clean) return `${byName} salvages its work and moves it to the trash.`;
  return `${forReal(view, [])} moves those that hold no work to the trash; ${byName} that one, its work salvaged.`;
};

const these = ({ length }: readonly PruneCandidate[]): string => (length === 1 ? "it" : "these");

/** `imi prune --idle-days 30 --yes feat-x`, with what was typed before. */
const forReal = ({ given }: View, names: readonly string[]): string =>
  `\`${commandLine("prune", given?.repository, given?.options, "--yes", lastWords(names))}\``;

const rowOf = ({ worktree, reasons, idleSince, bytes, work }: PruneCandidate, { paint, now }: View): Cell[] => [
  { text: printable(worktree.name), paint: paint.name },
  { text: reasons.map((reason) => printable(reason)).join("; ") },
  { text: ageOf(idleSince, now) },
  bytes === null ? { text: "not measured", paint: paint.faint } : { text: size(bytes) },
  holds(work, paint),
];

const holds = (work: PruneCandidate["work"], paint: View["paint"]): Cell => {
  switch (work.answer) {
    case "clean":
      return { text: "no work", paint: paint.good };
    case "work":
      return { text: inWords(exposed(work)), paint: paint.warning };
    case "unknown":
      return { text: `unknown: ${printable(work.reason ?? "no reason given")}`, paint: paint.bad };
  }
};

const renderRemovals = ({ candidates, removed, failed }: Pruned, view: View): Rendered => {
  const { paint } = view;
  const done = new Set([...removed.map(({ name }) => name), ...failed.map(({ name }) => name)]);
  const stay = candidates.filter(({ worktree }) => !done.has(worktree.name));
  const notes = [
    ...failed.map(({ name, reason }) => `${printable(name)} was not removed: ${printable(reason)}`),
    ...stay.map(
      ({ worktree: { name } }) =>
        `${printable(name)} stays, because it may hold work: ${forReal(view, [name])} salvages and removes it.`,
    ),
  ];
  const exitCode = failed.length === 0 ? 0 : 1;
  if (removed.length === 0) {
    return { lines: [], notes: notes.length === 0 ? [nothing] : notes, exitCode };
  }
  // Just removed, it is as large as it was when it was proposed.
  const sizes = new Map(candidates.map(({ worktree, bytes }) => [worktree.id, bytes]));
  const measured = removed.map((entry) => ({ ...entry, bytes: entry.bytes ?? sizes.get(entry.worktree) ?? null }));
  const rows = measured.map(({ name, bytes, emptiedAfter }): Cell[] => [
    { text: `Removed ${printable(name)}`, paint: paint.good },
    bytes === null ? { text: "not measured", paint: paint.faint } : { text: size(bytes) },
    { text: emptiedAfter === null ? "in the trash" : `in the trash until ${dayOf(emptiedAfter)}`, paint: paint.faint },
  ]);
  return {
    lines: [
      ...table(rows),
      sumOf(
        plural(removed.length, "worktree"),
        measured.map(({ bytes }) => bytes),
      ),
    ],
    notes: [...notes, `\`${commandLine("restore", view.given?.repository, "NAME")}\` brings one back.`],
    exitCode,
  };
};

/** `2 worktrees, 1.3 GB`; what is not measured is said, not counted as nothing. */
const sumOf = (what: string, sizes: readonly (number | null)[]): string => {
  const measured = sizes.filter((bytes) => bytes !== null);
  const missing = sizes.length - measured.length;
  if (measured.length === 0) return what;
  const sum = size(measured.reduce((total, bytes) => total + bytes, 0));
  return `${what}, ${sum}${missing === 0 ? "" : ` and ${missing} not measured`}`;
};
