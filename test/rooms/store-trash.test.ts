import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Sqlite from "better-sqlite3";
import type { Work } from "../../protocol/work.ts";
import { uuidv7 } from "../../server/src/store/index.ts";
import type { Lease, Store, TrashRow, WorktreeRow } from "../../server/src/store/index.ts";
import { intention, open, registry, worktree } from "./store-helpers.ts";

const clean: Work = { answer: "clean", reason: null, items: [], merged: null };

const ready = async (store: Store, repositoryId: string, name: string): Promise<WorktreeRow> => {
  const { id } = await store.worktrees.begin(worktree(repositoryId, name), intention);
  return store.worktrees.ready(id, { head: "c0ffee", identity: { gitId: name, device: "1", inode: "2" } });
};

const entryOf = (row: WorktreeRow): Parameters<Store["trash"]["begin"]>[0] => ({
  id: uuidv7(),
  repositoryId: row.repositoryId,
  worktree: row,
  place: `/trash/${row.name}`,
  record: `/app/.git/imi-trash/${row.name}`,
  movement: { tree: { device: "1", inode: "2" }, record: { device: "1", inode: "3" }, aside: null, mode: null },
  work: clean,
  salvage: null,
});

const trashed = async (store: Store, repositoryId: string, name: string): Promise<TrashRow> => {
  const { id } = await store.trash.begin(entryOf(await ready(store, repositoryId, name)));
  return store.trash.settle(id, null);
};

const lastEvent = async (store: Store): Promise<string | undefined> => (await store.events.list(0, 100)).at(-1)?.name;

describe("the trash", () => {
  it("takes a worktree in two steps, and is told of in one story with it", async (t) => {
    const { store, repositoryId } = await registry(t);
    const row = await ready(store, repositoryId, "x");
    const begun = await store.trash.begin(entryOf(row));
    assert.equal(begun.state, "trashing");
    assert.equal((await store.worktrees.byId(row.id))?.state, "removing");
    const kept = await store.trash.settle(begun.id, null);
    assert.equal(kept.state, "kept");
    assert.equal(await store.worktrees.byId(row.id), null);
    await store.trash.settle(begun.id, null);
    const events = await store.events.list(0, 100);
    assert.deepEqual(
      events.filter(({ subject }) => subject === row.id).map(({ name }) => name),
      ["worktree.creating", "worktree.created", "worktree.removing", "worktree.removed"],
    );
  });

  it("gives back what was not taken: the row is what it was", async (t) => {
    const { store, repositoryId } = await registry(t);
    const row = await ready(store, repositoryId, "x");
    const { id } = await store.trash.begin(entryOf(row));
    await store.trash.undo(id);
    await store.trash.undo(id);
    assert.deepEqual(await store.worktrees.byId(row.id), row);
    assert.deepEqual(await store.trash.of(repositoryId), []);
  });

  it("restores under the same id, also under another name, and not where another is registered", async (t) => {
    const { store, repositoryId } = await registry(t);
    const entry = await trashed(store, repositoryId, "x");
    await ready(store, repositoryId, "x");
    const old = { name: "x", path: "/app.wt/x", gitId: "x", branch: null };
    await assert.rejects(store.trash.beginRestore(entry.id, old), { code: "path/taken" });
    assert.equal((await store.trash.byId(entry.id))?.state, "kept");
    const restoring = { name: "x-restored", path: "/app.wt/x-restored", gitId: "x1", branch: null };
    const begun = await store.trash.beginRestore(entry.id, restoring);
    assert.deepEqual([begun.id, begun.state, begun.name], [entry.worktree.id, "restoring", "x-restored"]);
    await assert.rejects(store.trash.beginRestore(entry.id, restoring), { code: "repository/busy" });
    const back = await store.trash.restored(entry.id, {
      branch: "feat/x",
      head: "beef",
      identity: null,
      state: "ready",
    });
    assert.deepEqual([back.state, back.head], ["ready", "beef"]);
    assert.equal(await store.trash.byId(entry.id), null);
    assert.equal(await lastEvent(store), "worktree.restored");
  });

  it("keeps it when a restore is taken back", async (t) => {
    const { store, repositoryId } = await registry(t);
    const entry = await trashed(store, repositoryId, "x");
    await store.trash.beginRestore(entry.id, { name: "x", path: "/app.wt/x", gitId: "x", branch: null });
    await store.trash.undoRestore(entry.id);
    await store.trash.undoRestore(entry.id);
    assert.deepEqual(await store.trash.byId(entry.id), entry);
    assert.deepEqual(await store.worktrees.of(repositoryId), []);
  });

  it("is emptied in two steps; what is being emptied is never restored", async (t) => {
    const { store, repositoryId } = await registry(t);
    const entry = await trashed(store, repositoryId, "x");
    await store.trash.beginEmpty(entry.id, null);
    const place = { name: "x", path: "/app.wt/x", gitId: "x", branch: null };
    await assert.rejects(store.trash.beginRestore(entry.id, place), { code: "repository/busy" });
    await store.trash.emptied(entry.id);
    await store.trash.emptied(entry.id);
    assert.equal(await lastEvent(store), "trash.emptied");
    await assert.rejects(store.trash.beginRestore(entry.id, place), { code: "trash/not-found" });
  });

  it("takes up an entry that was found on the disk, once", async (t) => {
    const { store, repositoryId } = await registry(t);
    const entry = await trashed(store, repositoryId, "x");
    await store.trash.beginEmpty(entry.id, null);
    await store.trash.emptied(entry.id);
    await store.trash.adopt(entry);
    assert.deepEqual(await store.trash.adopt({ ...entry, place: "/elsewhere" }), entry);
    assert.deepEqual(await store.trash.of(repositoryId), [entry]);
  });

  it("lists the newest first, and remembers a size", async (t) => {
    const { store, repositoryId, file } = await registry(t);
    const one = await trashed(store, repositoryId, "one");
    const two = await trashed(store, repositoryId, "two");
    await store.trash.measured(one.id, 4096);
    await store.trash.measured(one.id, 4096);
    assert.deepEqual(
      (await store.events.list(0, 100)).filter(({ name }) => name === "trash.changed").map(({ subject }) => subject),
      [one.worktree.id],
    );
    const other = await open(t, file);
    assert.deepEqual(
      (await other.trash.of(repositoryId)).map(({ id, bytes }) => [id, bytes]),
      [
        [two.id, null],
        [one.id, 4096],
      ],
    );
  });
});

it("disk use goes with its worktree", async (t) => {
  const { store, repositoryId } = await registry(t);
  const row = await ready(store, repositoryId, "x");
  await store.diskUse.put(row.id, { bytes: 8192, files: 2 });
  await store.diskUse.put(row.id, { bytes: 4096, files: 1 });
  await store.diskUse.put("nobody", { bytes: 1, files: 1 });
  const known = await store.diskUse.of(repositoryId);
  assert.deepEqual([...known.keys()], [row.id]);
  assert.deepEqual([known.get(row.id)?.bytes, known.get(row.id)?.files], [4096, 1]);
  await store.worktrees.settle(row.id, "gone");
  assert.equal((await store.diskUse.of(repositoryId)).size, 0);
});

describe("what is written under a lease", () => {
  /** Another process found its holder dead and took it over. */
  const takenOver = async (store: Store, file: string): Promise<Lease> => {
    const lease = await store.leases.take("work", { purpose: "test", waitMs: 1_000 });
    const other = new Sqlite(file);
    other.exec("UPDATE leases SET fence = fence + 1, holder = 'another' WHERE resource = 'work'");
    other.close();
    return lease;
  };

  it("is written while it is held, and told by nobody else", async (t) => {
    const { store, repositoryId } = await registry(t);
    const lease = await store.leases.take("work", { purpose: "test", waitMs: 1_000 });
    const { id } = await store.worktrees.begin(worktree(repositoryId, "x"), intention);
    const row = await store.worktrees.ready(id, { head: null, identity: null }, lease);
    const entry = await store.trash.begin(entryOf(row));
    assert.equal((await store.trash.settle(entry.id, null, lease)).state, "kept");
    await lease.release();
    await assert.rejects(store.trash.beginEmpty(entry.id, null, lease), { code: "lease/lost" });
  });

  it("is not written once another process has it, and whoever lost it is told to stop", async (t) => {
    const { store, repositoryId, file } = await registry(t);
    const { id } = await store.worktrees.begin(worktree(repositoryId, "x"), intention);
    const trash = await store.trash.begin(entryOf(await ready(store, repositoryId, "y")));
    const kept = await trashed(store, repositoryId, "z");
    const place = { name: "z", path: "/app.wt/z", gitId: "z", branch: null };
    const facts = { branch: null, head: null, identity: null, state: "ready" } as const;
    const lease = await takenOver(store, file);
    const before = (await store.events.list(0, 100)).length;
    for (const write of [
      () => store.worktrees.ready(id, { head: null, identity: null }, lease),
      () => store.trash.settle(trash.id, null, lease),
      () => store.trash.beginRestore(kept.id, place, lease),
      () => store.trash.beginEmpty(kept.id, null, lease),
    ])
      await assert.rejects(write(), { code: "lease/lost" });
    assert.ok(lease.lost.aborted);
    await store.trash.beginRestore(kept.id, place);
    await assert.rejects(store.trash.restored(kept.id, facts, lease), { code: "lease/lost" });
    assert.equal((await store.events.list(0, 100)).length, before + 1);
    assert.equal((await store.worktrees.byId(id))?.state, "creating");
    assert.equal((await store.trash.byId(trash.id))?.state, "trashing");
    assert.equal((await store.trash.byId(kept.id))?.state, "restoring");
  });
});
