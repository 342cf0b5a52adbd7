/**
 * What processes did with claims, as each wrote it down itself, and what that says about all of them together. Times are
 * milliseconds of the one monotonic clock of the machine, before an operation and after it; so two operations came one
 * after the other where the first ended before the second began, and what overlaps proves nothing.
 */
export type Entry =
  | ({ readonly op: "taken" | "renewed"; readonly ttl: number; readonly pid: number | null } & Done)
  | ({ readonly op: "released" | "refused" } & Done)
  /** From `start` on the process may be dead: killed, or done. */
  | { readonly op: "ended"; readonly pid: number; readonly start: number };

interface Done {
  readonly worktree: string;
  readonly agent: string;
  readonly token: number;
  readonly start: number;
  readonly end: number;
}
type Grant = Extract<Entry, { readonly op: "taken" | "renewed" }>;
type Release = Extract<Entry, { readonly op: "released" | "refused" }>;

/** One line of the registry's own log. */
export interface Told {
  readonly name: "worktree.claimed" | "worktree.released";
  readonly worktree: string;
  readonly agent: string;
  readonly token: number;
}

/** The boot clock is read in steps of 10 ms, twice for each judgement. */
const clockStep = 25;

/** What of the history cannot have happened if nobody was ever doubled. Empty: nothing was found. */
export const violations = (entries: readonly Entry[], told: readonly Told[]): string[] => [
  ...doubledTokens(entries),
  ...byWorktree(entries).flatMap(([worktree, own]) => [
    ...shrunkTokens(worktree, own),
    ...acceptedStale(worktree, own),
    ...robbed(worktree, own, endTimes(entries)),
  ]),
  ...untold(entries, told),
];

const isGrant = (entry: Entry): entry is Grant => entry.op === "taken" || entry.op === "renewed";

const byWorktree = (entries: readonly Entry[]): [string, Exclude<Entry, { op: "ended" }>[]][] => {
  const own = entries.filter((entry) => entry.op !== "ended");
  return [...Map.groupBy(own, ({ worktree }) => worktree)];
};

const endTimes = (entries: readonly Entry[]): Map<number, number> =>
  new Map(entries.flatMap((entry) => (entry.op === "ended" ? [[entry.pid, entry.start]] : [])));

/** A token is one agent's. */
const doubledTokens = (entries: readonly Entry[]): string[] => {
  const owners = new Map<number, string>();
  return entries.filter(isGrant).flatMap(({ token, agent, worktree }) => {
    const owner = `${agent} for ${worktree}`;
    const other = owners.get(token) ?? owner;
    owners.set(token, other);
    return other === owner ? [] : [`token ${token} was given to ${other} and to ${owner}`];
  });
};

/** Of two grants the later has the larger token. */
const shrunkTokens = (worktree: string, entries: readonly Entry[]): string[] => {
  const taken = entries.filter(isGrant).filter(({ op }) => op === "taken");
  const found: string[] = [];
  const byEnd = taken.toSorted((a, b) => a.end - b.end);
  let largest = 0;
  let at = 0;
  for (const grant of taken.toSorted((a, b) => a.start - b.start)) {
    for (let before = byEnd[at]; before !== undefined && before.end < grant.start; before = byEnd[++at])
      largest = Math.max(largest, before.token);
    if (grant.token < largest) found.push(`${worktree}: token ${grant.token} was given after ${largest}`);
  }
  return found;
};

/** Nothing is done with a token after a larger one was given. */
const acceptedStale = (worktree: string, entries: readonly Exclude<Entry, { op: "ended" }>[]): string[] => {
  const grants = entries.filter(isGrant).toSorted((a, b) => a.end - b.end);
  const found: string[] = [];
  let largest = 0;
  let at = 0;
  for (const entry of entries.toSorted((a, b) => a.start - b.start)) {
    for (let before = grants[at]; before !== undefined && before.end < entry.start; before = grants[++at])
      largest = Math.max(largest, before.token);
    if (entry.op !== "refused" && entry.token < largest)
      found.push(`${worktree}: ${entry.agent} ${entry.op} with token ${entry.token} after ${largest} was given`);
  }
  return found;
};

/** Nobody gets a worktree while its holder has given a sign of life that still counts, has not given it back, and lives. */
const robbed = (
  worktree: string,
  entries: readonly Exclude<Entry, { op: "ended" }>[],
  ended: ReadonlyMap<number, number>,
): string[] => {
  const byToken = Map.groupBy(entries, ({ token }) => token);
  const tokens = [...byToken.keys()].toSorted((a, b) => a - b);
  const found: string[] = [];
  for (const [index, token] of tokens.entries()) {
    const next = tokens
      .slice(index + 1)
      .flatMap((later) => byToken.get(later)?.find(({ op }) => op === "taken") ?? [])[0];
    const own = byToken.get(token) ?? [];
    if (next === undefined) continue;
    // All of its signs came before the next grant took effect, also where their times overlap: with a larger token given,
    // none of this one is accepted any more. The last one says how long it lasts.
    const signs = own.filter(isGrant).toSorted((one, other) => one.start - other.start);
    const sign = signs.at(-1);
    if (sign === undefined) continue;
    // A process it was once bound to it stays bound to.
    const until = Math.min(sign.start + sign.ttl - clockStep, ...signs.map((each) => endOf(each, ended)));
    const givenBack = own.some((entry): entry is Release => entry.op === "released" && entry.start < next.end);
    if (!givenBack && next.end < until)
      found.push(
        `${worktree}: ${next.agent} got it with token ${next.token} ${Math.round(until - next.end)} ms before the time of token ${token} was over`,
      );
  }
  return found;
};

const endOf = ({ pid }: Grant, ended: ReadonlyMap<number, number>): number =>
  pid === null ? Number.POSITIVE_INFINITY : (ended.get(pid) ?? Number.POSITIVE_INFINITY);

/** The registry's log has every grant, and of each worktree one holder after the other. */
const untold = (entries: readonly Entry[], told: readonly Told[]): string[] => {
  const found: string[] = [];
  const claimed = new Set<number>();
  const holders = new Map<string, Told>();
  const last = new Map<string, number>();
  for (const event of told) {
    const holder = holders.get(event.worktree);
    if (event.name === "worktree.claimed") {
      if (holder !== undefined)
        found.push(`log: ${event.worktree} claimed by ${event.agent} while ${holder.agent} held it`);
      if (event.token <= (last.get(event.worktree) ?? 0)) found.push(`log: token ${event.token} did not grow`);
      claimed.add(event.token);
      last.set(event.worktree, event.token);
      holders.set(event.worktree, event);
    } else {
      if (holder?.token !== event.token)
        found.push(`log: token ${event.token} of ${event.worktree} ended, and did not stand`);
      holders.delete(event.worktree);
    }
  }
  for (const entry of entries)
    if (isGrant(entry) && !claimed.has(entry.token)) found.push(`log: token ${entry.token} was given and is not told`);
  return found;
};
