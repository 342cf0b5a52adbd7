import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { trimActivities } from "../../server/src/activity/retention.ts";
import type { Store } from "../../server/src/store/index.ts";
import { look, modified } from "../support/activity.ts";
import { intention, open, registry, worktree } from "./store-helpers.ts";

const day = 24 * 3_600_000;
const never = new AbortController().signal;

/** A registry with 1 000 changes from 40 days ago, and 10 of today. */
const aged = async (t: TestContext): Promise<{ store: Store; file: string; left: () => Promise<number> }> => {
  const { store, file, repositoryId } = await registry(t);
  const { id } = await store.worktrees.begin(worktree(repositoryId, "feat-x"), intention);
  const row = await store.worktrees.ready(id, { head: null, identity: null });
  const lease = await store.leases.take("watch", { purpose: "record", waitMs: 1000 });
  const record = (name: string, count: number): Promise<unknown> => {
    const files = modified(...Array.from({ length: count }, (_, index) => `${name}-${index}.ts`));
    return store.activities.record(look(row, { files }), lease, { attribute: true });
  };
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  await record("old", 1000);
  t.mock.timers.setTime(Date.now() + 40 * day);
  await record("new", 10);
  const query = { repositoryId, limit: 1000, type: "file_change" } as const;
  return { store, file, left: async () => (await store.activities.list(query)).length };
};

describe("old activities", () => {
  it("go after the days that are set, in slices, and then there is nothing to do", async (t) => {
    const { store, left } = await aged(t);
    const days = (): number => 30;
    assert.equal(await store.activities.reachesBefore(Date.now() - 30 * day), true);
    assert.equal(await trimActivities({ store, days }, never), 1002); // with the worktree's own, and one event
    assert.equal(await left(), 10);
    assert.equal(await store.activities.reachesBefore(Date.now() - 30 * day), false);
    assert.equal(await trimActivities({ store, days }, never), 0);
    assert.deepEqual(await store.leases.holder("registry:activity"), null);
  });

  it("stay where all is to be kept, or not that long has passed", async (t) => {
    const { store, left } = await aged(t);
    for (const days of [0, 41]) assert.equal(await trimActivities({ store, days: () => days }, never), 0);
    assert.equal(await left(), 1000); // of 1 010
  });

  it("are left to another process that is at it", async (t) => {
    const { store, file } = await aged(t);
    const other = await open(t, file);
    const lease = await other.leases.take("registry:activity", { purpose: "delete old activities", waitMs: 1000 });
    assert.equal(await trimActivities({ store, days: () => 30 }, never), 0);
    await lease.release();
    assert.equal(await trimActivities({ store, days: () => 30 }, never), 1002);
  });

  it("stay, those that are left, when the window closes", async (t) => {
    const { store } = await aged(t);
    const closing = new AbortController();
    let asked = 0;
    const counting: Store["activities"] = {
      ...store.activities,
      trim: (before, atMost) => {
        asked += 1;
        if (asked === 2) closing.abort();
        return store.activities.trim(before, atMost);
      },
    };
    const deleted = await trimActivities({ store: { ...store, activities: counting }, days: () => 30 }, closing.signal);
    assert.equal(deleted, 401); // two slices, and one event
    assert.equal(await store.activities.reachesBefore(Date.now() - 30 * day), true);
  });
});
