import type { ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { recordDirOf } from "../git/index.ts";
import type { Apart, Place } from "./apart.ts";
import { onceBetween } from "./changes.ts";
import type { Changes } from "./changes.ts";
import { unrelated } from "./check.ts";
import { History } from "./history.ts";
import { inTurns } from "./in-turns.ts";
import type { Call } from "./index.ts";
import type { OverlapMemory } from "./memory.ts";
import { Pairs } from "./pairs.ts";
import type { Looked } from "./pairs.ts";
import { snapshotOf } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

/** What goes along with every step of comparing worktrees. */
export interface Looking {
  readonly apart: Apart;
  readonly memory: OverlapMemory | null;
  /** Takes what could not be read, and why. */
  readonly unknown: ResultOf<"overlap.list">["unknown"];
  readonly call: Call;
}

/** Reads each worktree once: what it holds, and what it changed since it parted from the trunk. */
export const lookAt = async (
  looking: Looking,
  repository: Repository,
  worktrees: readonly Worktree[],
  trunk: string,
): Promise<{ readonly pairs: Pairs; readonly count: number }> => {
  const { apart, memory } = looking;
  const held = await contentsOf(looking, await placesOf(looking, repository, worktrees));
  const heads = held.map(({ commit }) => commit);
  const history = await History.read(apart, trunk, heads);
  const changes = memory?.changes ?? new Map<string, Promise<Changes>>();
  const looked = await eachReadable(looking, held, async (one): Promise<Looked> => {
    const from = await history.fromTrunk(one.commit);
    if (from === null) throw unrelated(one.name, "the trunk");
    return { ...one, from, changes: await onceBetween(changes, apart, from, one.commit) };
  });
  return { pairs: new Pairs(apart, history, looked, changes), count: looked.length };
};

interface Placed {
  readonly name: string;
  readonly place: Place;
}

const placesOf = (looking: Looking, repository: Repository, worktrees: readonly Worktree[]): Promise<Placed[]> =>
  eachReadable(looking, worktrees, async ({ name, path, state }) => {
    if (state !== "ready" && state !== "missing") throw new ImiError("repository/busy", `it is ${state}`);
    return { name, place: { gitDir: await recordDirOf(repository, { name, path }), workTree: path } };
  });

/** All that each holds. Of one that cannot be read wholly, what it has committed is compared, and that is told too. */
const contentsOf = async (
  looking: Looking,
  placed: readonly Placed[],
): Promise<Pick<Looked, "name" | "snapshot" | "commit">[]> => {
  const { apart, memory, unknown, call } = looking;
  const remembered = await memory?.looks(placed.map(({ place }) => place));
  return eachReadable(looking, placed, async ({ name, place }, index) => {
    call.progress(`Looking at ${name}`, index / placed.length / 2);
    const look = (): Promise<Snapshot> => snapshotOf(apart, place, name);
    const snapshot = await (remembered?.(place, look) ?? look());
    if (snapshot.whole === null)
      unknown.push({ name, reason: `${snapshot.reason ?? "not read"}; only what it has committed was compared` });
    return { name, snapshot, commit: snapshot.whole ?? snapshot.head };
  });
};

/** The answers of `read`, in order; a worktree for which it raises is left out, and the reason told. */
const eachReadable = async <Of extends { readonly name: string }, Answer>(
  { unknown, call }: Looking,
  worktrees: readonly Of[],
  read: (worktree: Of, index: number) => Promise<Answer>,
): Promise<Answer[]> => {
  const answers = await inTurns(worktrees, call.signal, async (worktree, index) => {
    try {
      return [await read(worktree, index)];
    } catch (error) {
      if (ImiError.is(error, "operation/cancelled")) throw error;
      unknown.push({ name: worktree.name, reason: ImiError.from(error).message });
      return [];
    }
  });
  return answers.flat();
};
