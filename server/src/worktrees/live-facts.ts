import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { LiveFacts } from "../../../protocol/worktrees.ts";
import { Operations, subjectsOf } from "../git/index.ts";
import type { Look } from "../git/index.ts";
import type { KeptFacts } from "../store/index.ts";
import type { Call, Tools } from "./context.ts";

/** Whoever did something in a worktree longer ago than this is not at work in it, in ms. */
const recentMs = 24 * 3_600_000;
/** Subjects remembered by a process whose registry cannot be written; some of commits that are long past. */
const subjectsKept = 10_000;

/** What a process knows already. */
interface Known {
  readonly subjects: Map<string, string>;
  readonly operations: Operations;
}
const known = new WeakMap<Tools, Known>();

const knownTo = (tools: Tools): Known => {
  const now = known.get(tools) ?? { subjects: new Map(), operations: new Operations() };
  known.set(tools, now);
  return now;
};

/** What the registry keeps of a repository's worktrees for their live facts, by worktree id. */
export interface Kept {
  readonly facts: ReadonlyMap<string, KeptFacts>;
  readonly agents: Awaited<ReturnType<Tools["store"]["activities"]["recentAgents"]>>;
}

/** Two statements, whatever number of worktrees; git can be at work meanwhile. */
export const keptFacts = async ({ store }: Tools, { id }: Repository): Promise<Kept> => {
  const facts = await store.liveFacts.of(id);
  return { facts, agents: await store.activities.recentAgents(id, Date.now() - recentMs) };
};

/**
 * What is known of worktrees beside their counts, by worktree id; of those that could be looked at. Cost follows change:
 * one git process for all commits whose messages nobody has asked for yet, else none.
 */
export const liveFactsOf = async (
  tools: Tools,
  repository: Repository,
  found: { readonly looks: ReadonlyMap<string, Look>; readonly kept: Kept },
  call: Call,
): Promise<Map<string, LiveFacts>> => {
  const { looks, kept } = found;
  const heads = new Map<string, string>();
  for (const [id, { at }] of looks) if (at !== null && at.head !== null) heads.set(id, at.head);
  const subjects = await subjectsAt(tools, repository, heads, kept.facts, call);
  const { operations } = knownTo(tools);
  return new Map(
    [...looks].flatMap(([id, { at }]) => {
      if (at === null) return [];
      const facts: LiveFacts = {
        subject: at.head === null ? null : (subjects.get(at.head) ?? null),
        upstream: at.upstream,
        operation: operations.at(at.gitDir),
        lastChange: kept.facts.get(id)?.changedAt ?? null,
        recentAgents: (kept.agents.get(id) ?? []).map(({ agent, at: seen }) => ({ agent, at: seen })),
      };
      return [[id, facts]];
    }),
  );
};

/** The first lines of the messages of these commits (by worktree id), by commit. */
const subjectsAt = async (
  tools: Tools,
  repository: Repository,
  heads: ReadonlyMap<string, string>,
  kept: ReadonlyMap<string, KeptFacts>,
  call: Call,
): Promise<ReadonlyMap<string, string>> => {
  const { subjects: remembered } = knownTo(tools);
  const subjects = new Map<string, string>();
  for (const { subject } of kept.values()) if (subject !== null) subjects.set(subject.of, subject.text);
  const unknown = new Set<string>();
  for (const head of heads.values()) {
    const subject = subjects.get(head) ?? remembered.get(head);
    if (subject === undefined) unknown.add(head);
    else subjects.set(head, subject);
  }
  try {
    if (unknown.size > 0)
      for (const [head, subject] of await subjectsOf(tools.git, repository.gitDir, unknown, call.signal))
        subjects.set(head, subject);
    const fresh = [...heads].flatMap(([worktreeId, head]) => {
      const subject = subjects.get(head);
      return subject === undefined || kept.get(worktreeId)?.subject?.of === head ? [] : [{ worktreeId, head, subject }];
    });
    if (fresh.length > 0 && !tools.restricted()) await tools.store.liveFacts.keepSubjects(fresh);
    else for (const { head, subject } of fresh) remembered.set(head, subject);
  } catch (error) {
    const problem = ImiError.from(error);
    if (problem.code === "operation/cancelled") throw problem;
    tools.log("debug", `Subjects of commits in ${repository.name}: ${problem.message}`);
    for (const head of unknown) {
      const subject = subjects.get(head);
      if (subject !== undefined) remembered.set(head, subject);
    }
  }
  if (remembered.size > subjectsKept) remembered.clear();
  return subjects;
};
