import type { Activity } from "../../../../../protocol/activity.ts";
import type { ClaimEnd } from "../../../../../protocol/claims.ts";
import type { ResultOf } from "../../../../../protocol/contract.ts";
import { ageOf } from "../age.ts";
import { commandLine, lastWords } from "../given.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, width, type Cell } from "../text.ts";
import { plural } from "./amounts.ts";

type Paint = View["paint"];

/** A line for each thing that happened, newest first; files that one look found together are one line. */
export const renderActivity = ({ activities, more }: ResultOf<"activity.list">, view: View): Rendered => {
  if (activities.length === 0) return { lines: [], notes: [nothing(view)] };
  const { paint, now, columns = null } = view;
  const groups = together(activities);
  const about = groups.map(({ first }): Cell[] => [
    { text: sinceOf(first.at, now), paint: paint.faint },
    { text: printable(first.worktree.name), paint: paint.strong },
    { text: printable(first.agent ?? ""), paint: paint.name },
  ]);
  // Where nobody held anything there is no column of agents.
  const named = groups.some(({ first }) => first.agent !== null);
  const shown = named ? about : about.map((cells) => cells.slice(0, 2));
  const taken = Math.max(...table(shown.map((cells) => [...cells, { text: "|" }])).map(width)) - 1;
  const room = columns === null ? null : Math.max(columns - taken, leastRoom);
  return {
    lines: table(
      groups.map((group, index) => {
        const { text, colour } = whatOf(group, room);
        return [...(shown[index] ?? []), { text, ...(colour === null ? {} : { paint: paint[colour] }) }];
      }),
    ),
    notes: more ? [`Older ones: \`${older(view, activities)}\``] : [],
  };
};

/** Columns for what happened, however wide the names of worktrees are. */
const leastRoom = 20;

interface Group {
  readonly first: Activity;
  /** Files of the same look, the first of them first. */
  readonly files: readonly { readonly path: string; readonly change: string }[];
  /** Files beside those, which are not known by name. */
  readonly more: number;
}

const together = (activities: readonly Activity[]): Group[] => {
  const groups: Activity[][] = [];
  for (const activity of activities) {
    const last = groups.at(-1);
    if (last?.[0] !== undefined && sameLook(last[0], activity)) last.push(activity);
    else groups.push([activity]);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const files = group.toReversed().flatMap(({ file, details }) => {
      return file === null ? [] : [{ path: file, change: text(details["change"]) ?? "changed" }];
    });
    const more = group.reduce((sum, { details }) => sum + (Number(details["more"] ?? 0) || 0), 0);
    return [{ first, files, more }];
  });
};

const sameLook = (one: Activity, other: Activity): boolean =>
  one.type === "file_change" &&
  other.type === "file_change" &&
  one.at === other.at &&
  one.agent === other.agent &&
  one.worktree.id === other.worktree.id;

const whatOf = (group: Group, room: number | null): { text: string; colour: keyof Paint | null } => {
  const { type, details } = group.first;
  const cut = (what: string): string => fitted(printable(what), room);
  switch (type) {
    case "file_change":
      return { text: filesOf(group, room), colour: null };
    case "commit":
      return { text: cut(commitOf(details)), colour: "good" };
    case "switch":
      return { text: cut(`switched from ${place(details["from"])} to ${place(details["to"])}`), colour: null };
    case "agent_claimed": {
      const from = text(details["from"]);
      const task = text(details["task"]);
      return {
        text: cut(`${from === null ? "claimed it" : `took it over from ${from}`}${task === null ? "" : `: ${task}`}`),
        colour: "faint",
      };
    }
    case "agent_released":
      return { text: cut(releasedOf(details)), colour: "faint" };
    case "worktree_created": {
      const branch = text(details["branch"]);
      const made = details["adopted"] === true ? "registered, made by another tool" : "created";
      return { text: cut(branch === null ? made : `${made}, on ${branch}`), colour: "good" };
    }
    case "worktree_removed": {
      const reason = text(details["reason"]) ?? "";
      return { text: cut(reason.startsWith("removed") ? reason : `removed: ${reason}`), colour: "warning" };
    }
    case "worktree_restored":
      return { text: cut("restored from the trash"), colour: "good" };
  }
};

/** As many by name as there is room for, and how many more; at least one. */
const filesOf = ({ files, more }: Group, room: number | null): string => {
  const [first] = files;
  if (first === undefined) return `${plural(more, "more file")} changed`;
  const same = files.every(({ change }) => change === first.change);
  const words = files.map(({ path, change }) => (same ? printable(path) : `${change} ${printable(path)}`));
  const start = same ? `${first.change} ` : "";
  const most = room ?? 100;
  const line = (count: number): string => {
    const rest = words.length - count + more;
    return `${start}${words.slice(0, count).join(", ")}${rest === 0 ? "" : ` and ${plural(rest, "more file")}`}`;
  };
  let count = Math.min(words.length, 10);
  while (count > 1 && width(line(count)) > most) count -= 1;
  return fitted(line(count), room);
};

const commitOf = (details: Activity["details"]): string => {
  const head = text(details["head"]);
  if (head === null) return "has no commit any more";
  const [commits, dropped] = [Number(details["commits"] ?? 0), Number(details["dropped"] ?? 0)];
  const subject = text(details["subject"]);
  const counted = [...(commits > 1 ? [plural(commits, "commit")] : []), ...(dropped > 0 ? [`${dropped} dropped`] : [])];
  return [
    ...[commits === 0 ? "went back to" : "committed", head.slice(0, 7)],
    ...(subject === null ? [] : [subject]),
    ...(counted.length === 0 ? [] : [`(${counted.join(", ")})`]),
  ].join(" ");
};

const ends: Readonly<Record<ClaimEnd, string>> = {
  released: "released it",
  expired: "its claim ran out",
  "process-ended": "its process ended, and so did its claim",
  rebooted: "its claim ended with a restart of the machine",
  unseen: "its claim ended: no sign of it from the other machine",
  "taken-over": "its claim was taken over",
  removed: "its claim ended with the worktree",
};

const releasedOf = (details: Activity["details"]): string => {
  const reason = text(details["reason"]) ?? "released";
  const by = text(details["by"]);
  // A newer iMi may know other reasons.
  const end = Object.hasOwn(ends, reason) ? ends[reason as ClaimEnd] : `its claim ended: ${reason}`;
  return reason === "taken-over" && by !== null ? `${end} by ${by}` : end;
};

const place = (branch: unknown): string => text(branch) ?? "a commit without a branch";

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

const fitted = (line: string, room: number | null): string => {
  if (room === null || width(line) <= room) return line;
  let cut = line.slice(0, room);
  while (width(cut) >= room && cut !== "") cut = cut.slice(0, -1);
  return `${cut}…`;
};

/** `12 s ago`; what is older as everywhere. */
const sinceOf = (at: string, now: Date): string => {
  const seconds = Math.floor((now.getTime() - Date.parse(at)) / 1000);
  return seconds >= 1 && seconds < 60 ? `${seconds} s ago` : ageOf(at, now);
};

const older = ({ given, asked }: View, activities: readonly Activity[]): string => {
  const options = given?.options.filter((option) => !option.startsWith("--before ")) ?? [];
  const name = asked["name"];
  return commandLine(
    ["activity"],
    given?.repository,
    options,
    `--before ${activities.at(-1)?.id ?? 0}`,
    typeof name === "string" ? lastWords([name]) : [],
  );
};

/** What there could have been, for who wonders why there is nothing. */
const nothing = ({ asked }: View): string => {
  const filtered = ["name", "agent", "file", "type", "since", "before"].some((key) => asked[key] !== undefined);
  return (
    `${filtered ? "Nothing like that was recorded." : "Nothing was recorded yet."} Claims and worktrees always are; ` +
    "changed files, commits and switches while a window of VS Code or `imi monitor` watches the repository."
  );
};
