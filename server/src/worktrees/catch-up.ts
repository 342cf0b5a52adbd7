import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult, Worktree } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { quoted } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";
import { checkoutOf, recordOf } from "./checkout.ts";
import { Notes, mutationLease, mutationWaitMs } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { fetchHead, standingOf, trackingBranch } from "./request-head.ts";
import type { Head, Standing } from "./request-head.ts";
import { asItIs, madeOn } from "./same-work.ts";
import { examine } from "./work/index.ts";
import { inWords } from "./work/words.ts";

/** A review that is there can be opened without the remote: each of the two questions waits no longer than this, in ms. */
const patienceMs = 20_000;

/**
 * Brings an opened review to the newest commit of its request, where that loses nothing and changes nothing somebody is
 * at: no commit of one's own, and nothing that is in no commit. Otherwise it stays, and a note says what differs and how
 * to get the new commits. Never raises but when cancelled.
 */
export const caughtUp = async (
  tools: Tools,
  repository: Repository,
  opened: CreateResult,
  { pullRequest, agentId }: { readonly pullRequest: number | null; readonly agentId: string | null },
  call: Call,
): Promise<CreateResult> => {
  const { worktree } = opened;
  const number = pullRequest ?? 0;
  const notes = new Notes();
  let now: Worktree = worktree;
  try {
    const head = await fetchHead(tools, repository, number, call, patienceMs);
    now = await follow(tools, repository, worktree, { head, number, agentId, notes, call });
  } catch (error) {
    if (call.signal.aborted) throw error;
    const why = ImiError.from(error).message;
    notes.add("review/not-fetched", `${worktree.name} was opened as it is; newer commits are not known: ${why}`);
  }
  return { ...opened, worktree: now, notes: [...opened.notes, ...notes.list] };
};

interface Following {
  readonly head: Head;
  readonly number: number;
  /** Who asks; null for a person. */
  readonly agentId: string | null;
  readonly notes: Notes;
  readonly call: Call;
}

const follow = async (
  tools: Tools,
  repository: Repository,
  worktree: Worktree,
  following: Following,
): Promise<Worktree> => {
  const { head, number, notes, call } = following;
  if (worktree.head === null) return worktree;
  const { remoteName } = tools.settings();
  const standing = await standingOf(tools, repository, worktree.head, head, number, call);
  if (standing.behind === 0) return worktree;
  const registered = (await tools.store.worktrees.of(repository.id)).find(({ id }) => id === worktree.id);
  if (registered === undefined) return worktree;
  const another = otherBranch(asItIs(repository, registered), number);
  if (another !== null) {
    const back = `git switch ${quoted(madeFor(registered, number))}`;
    notes.add("review/behind", `${worktree.name} stays as it is: ${another}. To go back to request ${number}: ${back}`);
    return worktree;
  }
  if (standing.own + standing.former > 0) {
    const differs = difference(worktree.name, standing, number, head, remoteName);
    if (differs !== null) notes.add("review/diverged", differs);
    return worktree;
  }
  const obstacle = await fastForward(tools, repository, worktree, following);
  if (obstacle === null) {
    notes.add("review/updated", updated(worktree.name, standing, number));
    return { ...worktree, head: head.commit };
  }
  notes.add(
    "review/behind",
    `${worktree.name} is ${commits(standing.behind)} behind request ${number} and stays as it is: ${obstacle}. ` +
      `To get them, then: git merge --ff-only ${quoted(trackingBranch(remoteName, number))}`,
  );
  return worktree;
};

/** Somebody may have switched to a branch of his own in it: that one does not follow the request. In words; null when it is the request's. */
const otherBranch = (row: WorktreeRow, number: number): string | null => {
  const made = madeFor(row, number);
  return row.branch === null || row.branch === made ? null : `it is on ${row.branch}, not on ${made}`;
};

const madeFor = (row: WorktreeRow, number: number): string => madeOn(row) ?? `pr/${number}`;

/** Moves branch and files; null when it is done, else what kept it, with nothing changed. */
const fastForward = async (
  tools: Tools,
  repository: Repository,
  worktree: Worktree,
  { head, number, agentId, call }: Following,
): Promise<string | null> => {
  const lease = await tools.store.leases.take(mutationLease(repository), {
    purpose: `update ${worktree.name}`,
    waitMs: mutationWaitMs,
    signal: call.signal,
  });
  try {
    const registered = (await tools.store.worktrees.of(repository.id)).find(({ id }) => id === worktree.id);
    if (registered?.state !== "ready") return "it is being changed";
    const row = asItIs(repository, registered);
    const holder = await holderOf(tools, repository, row);
    if (holder !== null && holder !== agentId) return `${holder} holds it and may be at work there`;
    if (row.branch === null) return "its HEAD is detached";
    const another = otherBranch(row, number);
    if (another !== null) return another;
    if (row.lockReason !== null) return "it is locked";
    const holds = await held(tools, repository, row, call);
    if (holds !== null) return holds;
    call.progress(`Bringing ${worktree.name} up to date`, null);
    // git looks again at all of it, and leaves ignored files that are in the way.
    await tools.git.run(
      row.path,
      ["merge", "--ff-only", "--no-overwrite-ignore", "--no-autostash", "--quiet", "--end-of-options", head.commit],
      { access: "write", signal: call.signal, timeoutMs: 10 * 60_000 },
    );
    return null;
  } catch (error) {
    if (call.signal.aborted) throw error;
    return ImiError.from(error).message.replace(/\.$/u, "");
  } finally {
    await lease.release();
  }
};

/** The agent that has claimed it; null when nobody has, or his claim is over. */
const holderOf = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<string | null> => {
  if (row.claim === null) return null;
  await (await tools.claims()).settleAll(repository, [row]);
  return (await tools.store.claims.of(row.id))?.agent ?? null;
};

/** What in a worktree is in no commit, in words; null when there is nothing. Unknown is not nothing. */
const held = async (tools: Tools, repository: Repository, row: WorktreeRow, call: Call): Promise<string | null> => {
  const record = await recordOf(repository, row);
  if (record === null) return "git has no record of it";
  const checkout = checkoutOf(repository, row, record.gitId);
  const work = await examine(tools, repository, checkout, { depth: "removal", signal: call.signal });
  if (work.answer === "clean") return null;
  if (work.answer === "work") return `it holds ${inWords(work)}`;
  return `what it holds is unknown (${work.reason ?? "not read"})`;
};

const commits = (count: number): string => (count === 1 ? "1 commit" : `${count} commits`);

export const updated = (what: string, { behind }: Standing, number: number): string =>
  `${what} was ${commits(behind)} behind request ${number} and is at its newest now.`;

/** What a checkout of a request has that its newest has not, and the other way round; null when nothing is new there. */
export const difference = (
  what: string,
  { behind, own, former }: Standing,
  number: number,
  head: Head,
  remoteName: string,
): string | null => {
  if (behind === 0) return null;
  const newest = quoted(trackingBranch(remoteName, number));
  const has = `request ${number} has ${commits(behind)} that it has not (newest ${head.commit.slice(0, 7)})`;
  if (own === 0) {
    return (
      `${what} stays as it is: request ${number} was rewritten. It holds ${commits(former)} that the request has no ` +
      `more, and none of your own; ${has}. To take the new ones: git reset --keep ${newest}`
    );
  }
  const rewritten = former === 0 ? "" : `, and ${commits(former)} that the request has no more`;
  return (
    `${what} stays as it is: it has ${commits(own)} of its own${rewritten}; ${has}. ` +
    `To put yours on top of them: git rebase ${newest}; to merge them: git merge ${newest}`
  );
};
