import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Nearness, Overlap, Prediction, SharedFile } from "../../../protocol/overlap.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { resolveTrunk } from "../git/index.ts";
import { Apart } from "./apart.ts";
import type { Place } from "./apart.ts";
import { tooOld } from "./check.ts";
import { Hunks } from "./hunks.ts";
import { inTurns } from "./in-turns.ts";
import type { Call, Tools } from "./index.ts";
import { lookAt } from "./look.ts";
import type { Looking } from "./look.ts";
import type { OverlapMemory } from "./memory.ts";
import type { Looked, Pair } from "./pairs.ts";
import { notKnown, predict } from "./predict.ts";
import { byNearness, isComparedByLines, nearer, sharedFile } from "./shared.ts";
import { StandIns, isReadByMerges } from "./stand-in.ts";

type Listed = ResultOf<"overlap.list">;

/** Merges tried in one call, the nearest pairs first; the others are told as not tried. */
const mergesAtMost = 400;

/** What is compared with each other. */
export interface Among {
  readonly repository: Repository;
  readonly worktrees: readonly Worktree[];
  /** Only pairs with one of these, by name; null: all. */
  readonly only: ReadonlySet<string> | null;
  /** With one only what has changed since the last time is looked at. */
  readonly memory: OverlapMemory | null;
}

/**
 * Worktrees that changed the same files since they parted, which of their lines overlap, and what a merge of the two would
 * do. Each worktree is read once; two are compared only where they share a path. What could not be read is `unknown`.
 * Raises repository/no-commit where there is no trunk to compare with.
 */
export const listOverlaps = async (
  tools: Tools,
  { repository, worktrees, only, memory }: Among,
  params: ParsedOf<"overlap.list">,
  call: Call,
): Promise<Listed> => {
  const { remoteName, defaultBranch } = tools.settings();
  const { signal } = call;
  const { base, commit } = await resolveTrunk(tools.git, repository.gitDir, { remoteName, defaultBranch, signal });
  if (base === null || commit === null) {
    throw new ImiError("repository/no-commit", "There is no trunk with a commit, so there is nothing to compare with.");
  }
  const cannotMerge = await tooOld(tools.git);
  return during(memory, tools.git, repository.gitDir, signal, async (apart) => {
    const looking: Looking = { apart, memory, unknown: [], call };
    const looked = await lookAt(looking, repository, worktrees, commit);
    const compared = await compare(looking, await looked.pairs.sharing(only, signal), params.hunks);
    const standIns = new WorktreeStandIns(apart);
    const overlaps = await inTurns(compared, signal, async ({ pair: { a, b }, files }, index): Promise<Overlap> => {
      call.progress(`Merging ${a.name} and ${b.name} apart`, 0.5 + index / compared.length / 2);
      const untried = cannotMerge ?? (index < mergesAtMost ? null : notTried);
      const merge = untried === null ? await mergeOf(looking, a, b, standIns) : notKnown(untried);
      return { a: a.name, b: b.name, files, merge };
    });
    const unknown = looking.unknown.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    return { base, looked: looked.count, overlaps: overlaps.toSorted(worstFirst), unknown };
  });
};

const during = <T>(
  memory: OverlapMemory | null,
  ...[git, commonDir, signal, work]: Parameters<typeof Apart.during<T>>
): Promise<T> => (memory ?? Apart).during(git, commonDir, signal, work);

const notTried = `not tried: only the ${mergesAtMost} nearest pairs are; \`imi conflicts NAME\` looks at one worktree`;

interface Compared {
  readonly pair: Pair;
  readonly files: SharedFile[];
}

/** Pairs with their files, the nearest first. */
const compare = async ({ apart, memory }: Looking, pairs: readonly Pair[], ranges: boolean): Promise<Compared[]> => {
  const byLines = pairs.flatMap(({ shared }) => shared.filter(isComparedByLines).flatMap(({ a, b }) => [a, b]));
  const hunks = await Hunks.read(apart, byLines, memory?.hunks);
  return pairs
    .map((pair) => ({
      pair,
      files: pair.shared.map((shared) => sharedFile(shared, hunks, { ranges })).toSorted(byNearness),
    }))
    .toSorted((one, other) => nearer(nearestIn(one), nearestIn(other)) || other.files.length - one.files.length);
};

const nearestIn = ({ files }: Pick<Overlap, "files"> | Compared): Nearness => files[0]?.near ?? "same";

/** With everything both hold. Where that is not known of one of them, no merge is known to be clean. */
const mergeOf = async (
  { apart, memory }: Looking,
  a: Looked,
  b: Looked,
  standIns: WorktreeStandIns,
): Promise<Prediction> => {
  const tried = async (): Promise<Prediction> => predict(apart, await standIns.of(b), b.commit, a.commit);
  const merge = await (memory?.merge(b.snapshot, a.snapshot, tried) ?? tried());
  const reason = a.snapshot.reason ?? b.snapshot.reason;
  return merge.clean === true && reason !== null ? notKnown(reason) : merge;
};

/** Stand-ins of the worktrees that others are merged into. */
class WorktreeStandIns {
  readonly #standIns: StandIns;
  readonly #made = new Map<Looked, Promise<Place>>();

  constructor(apart: Apart) {
    this.#standIns = new StandIns(apart);
  }

  of(looked: Looked): Promise<Place> {
    const known = this.#made.get(looked);
    if (known !== undefined) return known;
    const { snapshot, commit, from, changes } = looked;
    const own = [...changes.values()].some(
      (change) =>
        isReadByMerges(change.from ?? "", change.before.mode) || isReadByMerges(change.to ?? "", change.after.mode),
    );
    // Most change nothing of that, and what is the same for them all is read once.
    const made = this.#standIns.of(snapshot.place, own ? commit : from);
    this.#made.set(looked, made);
    return made;
  }
}

/** Conflicts, then what is not known, then by how near the changes are. */
const worstFirst = (one: Overlap, other: Overlap): number =>
  rank(one) - rank(other) ||
  nearer(nearestIn(one), nearestIn(other)) ||
  other.merge.conflicts.length - one.merge.conflicts.length ||
  other.files.length - one.files.length ||
  (`${one.a}\0${one.b}` < `${other.a}\0${other.b}` ? -1 : 1);

const rank = ({ merge }: Overlap): number => (merge.clean === false ? 0 : merge.clean === null ? 1 : 2);
