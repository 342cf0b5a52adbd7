import type { Activity, Committed, FileChange, SameFile, Touched } from "../../../../protocol/activity.ts";
import type { Event } from "../../../../protocol/events.ts";

/** How something that happened is marked. */
export type Sign = FileChange | "commit" | "claim" | "worktree" | "conflict";

/** One thing that happened, as people are shown it. */
export interface Happening {
  /** ms since 1970. */
  readonly at: number;
  /** The worktree's name; null where it is about none. */
  readonly worktree: string | null;
  readonly agent: string | null;
  readonly sign: Sign;
  readonly text: string;
}

/** What an event tells people; null where it is a step on the way to another, or none of their business. */
export const happeningOf = (event: Event): Happening | null => {
  const at = Date.parse(event.at);
  const { data } = event;
  const worktree = text(data["name"]);
  const agent = text(data["agent"]);
  const told = (sign: Sign, words: string): Happening => ({ at, worktree, agent, sign, text: words });
  switch (event.name) {
    case "worktree.touched":
      return touched(told, data);
    case "worktree.commit":
      return told("commit", committed(data));
    case "worktree.created":
      return told("worktree", "created");
    case "worktree.adopted":
      return told("worktree", "found, made by another tool");
    case "worktree.removed":
      return told("worktree", "removed");
    case "worktree.restored":
      return told("worktree", "restored from the trash");
    case "worktree.create-failed":
      return told("worktree", "creating it was given up");
    case "worktree.changed":
      return listed(data["changed"]).includes("branch") ? told("worktree", onBranch(text(data["branch"]))) : null;
    case "worktree.claimed":
      return told("claim", `claimed by ${agent ?? "somebody"}${aside(text(data["task"]))}`);
    case "worktree.released":
      return told("claim", `released by ${agent ?? "its holder"}${aside(text(data["reason"]))}`);
    case "conflict.detected":
      return { ...told("conflict", sameFile(data)), agent: null };
    // Steps of what is told above, and what changes nothing that is shown.
    case "repository.opened":
    case "worktree.creating":
    case "worktree.switched":
    case "worktree.removing":
    case "worktree.salvaged":
    case "worktree.restoring":
    case "worktree.pruned":
    case "worktree.claim-renewed":
    case "agent.changed":
    case "enforcement.changed":
    case "trash.changed":
    case "trash.emptying":
    case "trash.emptied":
    case "salvage.dropped":
    case "sync.applied":
      return null;
    // A newer iMi beside us may append what this one has no name for.
    default:
      return null;
  }
};

const touched = (
  told: (sign: Sign, words: string) => Happening,
  { files = [], more = 0 }: Partial<Touched>,
): Happening | null => {
  const [first, ...others] = files;
  if (first === undefined) return more > 0 ? told("modified", `${more} files`) : null;
  const rest = others.length + more;
  const same = files.every(({ change }) => change === first.change) ? first.change : "modified";
  return told(same, `${first.path}${rest === 0 ? "" : ` and ${rest} more`}`);
};

/** Rows and events of another version may lack something. */
const committed = ({
  branch = null,
  head = null,
  subject = null,
  commits = 0,
  dropped = 0,
}: Partial<Committed>): string => {
  const where = head === null ? "no commit" : `${head.slice(0, 7)}${subject === null ? "" : ` ${subject}`}`;
  if (commits === 0 && dropped === 0) return `at ${where}${branch === null ? "" : ` on ${branch}`}`;
  const others = commits > 1 ? ` and ${commits - 1} more` : "";
  return `${where}${others}${dropped > 0 ? ` (${dropped} dropped)` : ""}`;
};

const sameFile = ({ file = "", agents = [], more = 0 }: Partial<SameFile>): string =>
  [
    `${file}: ${agents.map(({ agent, worktree }) => `${agent} in ${worktree}`).join(", ")}`,
    ...(more > 0 ? [`and ${more} more files`] : []),
  ].join(", ");

/** Rows of the activity log, the newest first, as happenings; files that one look found together are one. */
export const happeningsOf = (activities: readonly Activity[]): Happening[] => {
  const happenings: Happening[] = [];
  for (let from = 0; from < activities.length;) {
    const first = activities[from];
    if (first === undefined) break;
    let until = from + 1;
    while (first.type === "file_change" && together(first, activities[until])) until += 1;
    happenings.push(activityText(first, activities.slice(from, until)));
    from = until;
  }
  return happenings;
};

const together = (first: Activity, other: Activity | undefined): boolean =>
  other?.type === "file_change" &&
  other.at === first.at &&
  other.worktree.id === first.worktree.id &&
  other.agent === first.agent;

const activityText = (activity: Activity, group: readonly Activity[]): Happening => {
  const { at, worktree, agent, details, type } = activity;
  const told = (sign: Sign, words: string): Happening => ({
    ...{ at: Date.parse(at), worktree: worktree.name, agent, sign, text: words },
  });
  switch (type) {
    case "file_change": {
      const named = group
        .toReversed()
        .flatMap(({ file, details: { change } }) => (file === null ? [] : [{ path: file, change: changeOf(change) }]));
      // Of very many files a row says how many there were beside those that are named.
      const more = group.map((each) => each.details["more"]).filter((each) => typeof each === "number");
      const sum = more.reduce((total, each) => total + each, 0);
      return touched(told, { files: named, more: sum }) ?? told("modified", "files");
    }
    case "commit":
      return told("commit", committed(details));
    case "switch":
      return told("worktree", onBranch(text(details["to"])));
    case "agent_claimed":
      return told("claim", `claimed by ${agent ?? "somebody"}`);
    case "agent_released":
      return told("claim", `released by ${agent ?? "its holder"}`);
    case "worktree_created":
      return told("worktree", "created");
    case "worktree_removed":
      return told("worktree", "removed");
    case "worktree_restored":
      return told("worktree", "restored from the trash");
    default:
      return told("worktree", type satisfies never);
  }
};

const changeOf = (value: unknown): FileChange => (value === "added" || value === "deleted" ? value : "modified");

const onBranch = (branch: string | null): string => (branch === null ? "detached from its branch" : `on ${branch}`);

const aside = (words: string | null): string => (words === null || words === "" ? "" : ` (${words})`);

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
