import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Prediction } from "../../../protocol/overlap.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { atLeast, commitNamed, quoted, recordDirOf, resolveTrunk } from "../git/index.ts";
import type { Git } from "../git/index.ts";
import { Apart } from "./apart.ts";
import type { Call, Found, Tools } from "./index.ts";
import { mergeBases } from "./history.ts";
import { clean, notKnown, predict } from "./predict.ts";
import { snapshotOf } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";
import { StandIns } from "./stand-in.ts";

type Checked = ResultOf<"overlap.merge-check">;

/** What `git merge-tree --write-tree` needs. */
const oldest = { major: 2, minor: 38 } as const;

export const tooOld = async (git: Git): Promise<string | null> => {
  const version = await git.version();
  if (atLeast(version, oldest.major, oldest.minor)) return null;
  return `${version.text} cannot predict merges: that needs git ${oldest.major}.${oldest.minor} or newer`;
};

/**
 * What merging a into b would do, of what is committed and of all they hold, without touching either. Raises git/too-old,
 * worktree/not-found, worktree/missing, repository/no-commit, base/unknown, merge/unrelated.
 */
export const checkMerge = async (
  tools: Tools,
  a: Found,
  b: Found | null,
  params: ParsedOf<"overlap.merge-check">,
  call: Call,
): Promise<Checked> => {
  const old = await tooOld(tools.git);
  if (old !== null) throw new ImiError("git/too-old", `${old}.`);
  if (b !== null && a.row.id === b.row.id) {
    throw new ImiError("usage/invalid", `${a.row.name} cannot be merged into itself.`, {
      hint: `Name another worktree, or only one: \`imi merge-check ${quoted(params.a)}\` compares it with what it is based on.`,
    });
  }
  const { repository } = a;
  return Apart.during(tools.git, repository.gitDir, call.signal, async (apart) => {
    call.progress(`Looking at ${a.row.name}`, null);
    const [theirs, ours] = await Promise.all([
      worktreeSide(apart, a),
      b === null ? baseSide(tools, a, call) : worktreeSide(apart, b),
    ]);
    const bases = await mergeBases(apart, theirs.snapshot.head, ours.snapshot.head);
    if (bases.length === 0) throw unrelated(theirs.side.name, ours.side.name);
    call.progress(`Merging ${theirs.side.name} into ${ours.side.name} apart`, null);
    const standIns = new StandIns(apart);
    const committed = await merged(apart, standIns, ours.snapshot, ours.snapshot.head, theirs.snapshot.head);
    return {
      a: theirs.side,
      b: ours.side,
      bases,
      relation: relationOf(bases, theirs.snapshot.head, ours.snapshot.head),
      committed,
      working: await working(apart, standIns, ours.snapshot, theirs.snapshot, committed),
    };
  });
};

export const unrelated = (one: string, other: string): ImiError =>
  new ImiError("merge/unrelated", `${one} and ${other} have no commit in common, so git refuses to merge them.`);

interface Side {
  readonly side: Checked["a"];
  readonly snapshot: Snapshot;
}

const worktreeSide = async (apart: Apart, { repository, row }: Found): Promise<Side> => {
  const place = { gitDir: await recordDirOf(repository, row), workTree: row.path };
  const snapshot = await snapshotOf(apart, place, row.name);
  const { name, path, branch } = row;
  return { side: { name, path, branch, head: snapshot.head, uncommitted: snapshot.uncommitted }, snapshot };
};

/** What the worktree is compared with: its base, or the trunk where it has none. */
const baseSide = async (tools: Tools, { repository, row }: Found, call: Call): Promise<Side> => {
  const { name, head } = await baseOf(tools, repository, row.base, call);
  const place = { gitDir: repository.gitDir, workTree: repository.gitDir };
  const snapshot = { place, head, uncommitted: null, whole: head, reason: null };
  return { side: { name, path: null, branch: null, head, uncommitted: null }, snapshot };
};

const baseOf = async (
  { git, settings }: Tools,
  { gitDir }: Repository,
  base: string | null,
  { signal }: Call,
): Promise<{ readonly name: string; readonly head: string }> => {
  const named = base === null || base.startsWith("-") ? null : await commitNamed(git, gitDir, base, signal);
  if (base !== null && named !== null) return { name: base, head: named };
  const { remoteName, defaultBranch } = settings();
  const trunk = await resolveTrunk(git, gitDir, { remoteName, defaultBranch, signal });
  if (trunk.base !== null && trunk.commit !== null) return { name: trunk.base, head: trunk.commit };
  throw new ImiError("base/unknown", `There is no ${base ?? "trunk"} to compare with.`, {
    hint: "Name the worktree it would be merged into: `imi merge-check A B`.",
  });
};

const relationOf = (bases: readonly string[], theirs: string, ours: string): Checked["relation"] => {
  if (bases.includes(theirs)) return "up-to-date";
  return bases.includes(ours) ? "fast-forward" : "diverged";
};

const working = async (
  apart: Apart,
  standIns: StandIns,
  ours: Snapshot,
  theirs: Snapshot,
  committed: Prediction,
): Promise<Prediction> => {
  const reason = ours.reason ?? theirs.reason;
  if (ours.whole === null || theirs.whole === null) return notKnown(reason ?? "it could not be read");
  if (ours.whole === ours.head && theirs.whole === theirs.head) return committed;
  return merged(apart, standIns, ours, ours.whole, theirs.whole);
};

/** By git itself, read from the attributes and submodules of `ours`, as a merge there would. */
const merged = async (
  apart: Apart,
  standIns: StandIns,
  { place }: Snapshot,
  ours: string,
  theirs: string,
): Promise<Prediction> => (ours === theirs ? clean : predict(apart, await standIns.of(place, ours), ours, theirs));
