// What VS Code's list of worktrees reads again after which events, and what it takes from them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toldBy } from "../../client/src/worktrees/told.ts";
import type { Committed, Touched } from "../../protocol/activity.ts";
import { type Event, type EventName, eventNames } from "../../protocol/events.ts";
import { Subscriptions, changesList } from "../../server/src/faces/mcp/subscriptions.ts";

const status = { ahead: 1, behind: 0, staged: 0, changed: 2, untracked: 0, conflicted: 0 };
const touched: Touched = {
  ...{ name: "feat-a", agent: "codex-1", more: 0, status },
  files: [{ path: "README.md", change: "modified" }],
};
const committed: Committed = {
  ...{ name: "feat-a", agent: null, branch: "feat/a", from: "1".repeat(40), head: "2".repeat(40) },
  ...{ subject: "Add the login page", commits: 1, dropped: 0, status },
};

let seq = 0;
const event = (name: EventName, subject: string, data: object = {}): Event => {
  seq += 1;
  const at = new Date(seq * 1000).toISOString();
  return { seq, id: `${seq}`, name, repository: "r1", subject, at, data: { ...data } };
};
const of = (...events: Event[]) => toldBy(events);

describe("a change in a worktree, for who shows the list", () => {
  it("is a row with its new status, and no other list, however many there are", () => {
    const told = of(event("worktree.touched", "a", touched), event("worktree.touched", "b", touched));
    assert.deepEqual(told.rows, [
      { id: "a", repository: "r1", status, at: null },
      { id: "b", repository: "r1", status, at: null },
    ]);
    assert.deepEqual([...told.lists], []);
    assert.deepEqual([...told.stale], ["a", "b"], "the rest is read when somebody looks");
  });

  it("is, where it is a commit, also where the branch is now", () => {
    const { rows, lists } = of(event("worktree.commit", "a", committed));
    assert.deepEqual(rows, [{ id: "a", repository: "r1", status, at: { branch: "feat/a", head: "2".repeat(40) } }]);
    assert.deepEqual([...lists], []);
  });

  it("is another list for every other event of a worktree, which claims alone leave the status of", () => {
    const ownRow: readonly EventName[] = ["worktree.touched", "worktree.commit"];
    for (const name of Object.keys(eventNames) as EventName[]) {
      if (!name.startsWith("worktree.") || ownRow.includes(name)) continue;
      const { lists, rows, stale } = of(event(name, "a"));
      assert.deepEqual([[...lists], rows], [["r1"], []], name);
      const ofClaim = ["worktree.claimed", "worktree.claim-renewed", "worktree.released"].includes(name);
      assert.deepEqual([...stale], ofClaim ? [] : ["a"], name);
    }
    assert.deepEqual([...of(event("conflict.detected", "r1")).lists], []);
  });
});

describe("a change in a worktree, for an agent that subscribed", () => {
  it("updates that worktree and the list of them, and is no other list of resources", () => {
    const subscriptions = new Subscriptions();
    subscriptions.add("imi://worktrees/feat-a", "a");
    subscriptions.add("imi://worktrees/feat-b", "b");
    subscriptions.add("imi://worktrees", null);
    for (const each of [event("worktree.touched", "a", touched), event("worktree.commit", "a", committed)]) {
      assert.deepEqual(subscriptions.updatedBy([each]), ["imi://worktrees/feat-a", "imi://worktrees"]);
      assert.equal(changesList([each]), false);
    }
  });
});
