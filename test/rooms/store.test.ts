import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import type { Event } from "../../protocol/events.ts";
import { backUpIfDue } from "../../server/src/store/backup.ts";
import { Database } from "../../server/src/store/database.ts";
import { isOlder, loadEngine } from "../../server/src/store/driver.ts";
import { createLeases } from "../../server/src/store/leases.ts";
import { networkFileSystem } from "../../server/src/store/location.ts";
import { connect } from "../../server/src/store/opening.ts";
import { uuidv7 } from "../../server/src/store/uuid.ts";
import {
  intention,
  open,
  registry,
  registryIn,
  repository,
  temporaryFolder,
  until,
  worktree,
} from "./store-helpers.ts";

const names = (events: readonly Event[]): string[] => events.map(({ name }) => name);

describe("a new registry", () => {
  it("is made with its folder, for its owner only", async (t) => {
    const file = registryIn(temporaryFolder(t));
    const store = await open(t, file);
    assert.equal(store.path, file);
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await store.repositories.all(), []);
    assert.equal(await store.events.last(), 0);
    assert.deepEqual(
      readdirSync(path.dirname(file)).filter((name) => name.includes(".new-")),
      [],
    );
  });

  it("is opened by its real path, so that two names are one database", async (t) => {
    const folder = temporaryFolder(t);
    const store = await open(t, registryIn(folder));
    symlinkSync(store.path, path.join(folder, "link.db"));
    const same = await open(t, path.join(folder, "link.db"));
    assert.equal(same.path, store.path);
    await store.repositories.meet(repository);
    assert.equal((await same.repositories.all()).length, 1);
  });
});

describe("repositories", () => {
  it("are registered on first meeting and known from then on", async (t) => {
    const { store, repositoryId } = await registry(t);
    const again = await store.repositories.meet(repository);
    assert.deepEqual(again, { id: repositoryId, ...repository });
    assert.deepEqual(await store.repositories.byGitDir("/app/.git"), again);
    assert.deepEqual(await store.repositories.byId(repositoryId), again);
    assert.equal(await store.repositories.byId("nobody"), null);
    assert.deepEqual(names(await store.events.list(0, 10)), ["repository.opened"]);
  });

  it("follow what is found: facts that changed are kept right", async (t) => {
    const { store, repositoryId } = await registry(t);
    await store.repositories.meet({ ...repository, layout: "container", container: "/elsewhere" });
    assert.equal((await store.repositories.byId(repositoryId))?.container, "/elsewhere");
    assert.equal(await store.events.last(), 2);
  });
});

describe("worktrees", () => {
  it("begin as an intention and become ready, each step with its event", async (t) => {
    const { store, repositoryId } = await registry(t);
    const begun = await store.worktrees.begin(worktree(repositoryId, "auth"), intention);
    assert.equal(begun.state, "creating");
    assert.deepEqual(begun.intention, intention);
    assert.deepEqual(await store.worktrees.byId(begun.id), begun);
    const identity = { gitId: "auth", device: "1", inode: "2" };
    const ready = await store.worktrees.ready(begun.id, { head: "abc", identity, metadata: { a: [1] } });
    assert.deepEqual(ready, { ...begun, state: "ready", intention: null, head: "abc", identity, metadata: { a: [1] } });
    assert.deepEqual(await store.worktrees.of(repositoryId), [ready]);
    const [, creating, created] = await store.events.list(0, 10);
    assert.deepEqual(creating?.data, {
      name: "auth",
      type: "feat",
      path: "/app.wt/auth",
      branch: "feat/auth",
      state: "creating",
    });
    assert.equal(created?.name, "worktree.created");
    assert.equal(created.subject, begun.id);
    assert.equal(created.repository, repositoryId);
    assert.equal(created.data["state"], "ready");
  });

  it("becoming ready twice is once", async (t) => {
    const { store, repositoryId } = await registry(t);
    const { id } = await store.worktrees.begin(worktree(repositoryId, "auth"), intention);
    const ready = await store.worktrees.ready(id, { head: "abc", identity: null });
    const last = await store.events.last();
    assert.deepEqual(await store.worktrees.ready(id, { head: "other", identity: null }), ready);
    assert.equal(await store.events.last(), last);
  });

  it("have names and paths of their own within a repository", async (t) => {
    const { store, repositoryId } = await registry(t);
    await store.worktrees.begin(worktree(repositoryId, "auth"), intention);
    const last = await store.events.last();
    const samePath = { ...worktree(repositoryId, "other"), path: "/app.wt/auth" };
    await assert.rejects(store.worktrees.begin(worktree(repositoryId, "auth"), intention), { code: "path/taken" });
    await assert.rejects(store.worktrees.begin(samePath, intention), { code: "path/taken" });
    assert.equal(await store.events.last(), last, "a refused change tells nothing");
    const other = await store.repositories.meet({ ...repository, gitDir: "/b/.git" });
    await store.worktrees.begin(worktree(other.id, "auth"), intention);
  });

  it("made by another tool are adopted once, whoever finds them", async (t) => {
    const { store, repositoryId } = await registry(t);
    const found = {
      ...worktree(repositoryId, "theirs"),
      identity: null,
      lockReason: "mine",
      state: "missing" as const,
    };
    const [one, two] = await Promise.all([store.worktrees.adopt(found), store.worktrees.adopt(found)]);
    assert.deepEqual(one, two);
    assert.equal(one.lockReason, "mine");
    assert.equal(one.state, "missing");
    assert.deepEqual(names(await store.events.list(0, 10)), ["repository.opened", "worktree.adopted"]);
  });

  it("are updated only where something differs", async (t) => {
    const { store, repositoryId } = await registry(t);
    const identity = { gitId: "a", device: "1", inode: "2" };
    const row = await store.worktrees.adopt({
      ...worktree(repositoryId, "a"),
      identity,
      lockReason: null,
      state: "ready",
    });
    const last = await store.events.last();
    const same = await store.worktrees.update(row.id, {
      branch: row.branch,
      identity: { inode: "2", device: "1", gitId: "a" },
    });
    assert.deepEqual(same, row);
    assert.equal(await store.events.last(), last);
    const changed = await store.worktrees.update(row.id, { branch: null, head: "def" });
    assert.deepEqual(changed, { ...row, branch: null, head: "def" });
    assert.deepEqual(await store.worktrees.byId(row.id), changed);
    await store.worktrees.update(row.id, { state: "removing" }, "worktree.removing");
    const told = await store.events.list(last, 10);
    assert.deepEqual(names(told), ["worktree.changed", "worktree.removing"]);
    assert.deepEqual(told[0]?.data["changed"], ["branch", "head"]);
    await assert.rejects(store.worktrees.update("nobody", { head: null }), { code: "worktree/not-found" });
  });

  it("are touched when somebody goes there", async (t) => {
    const { store, repositoryId } = await registry(t);
    const row = await store.worktrees.begin(worktree(repositoryId, "auth"), intention);
    await until(() => Date.now() > Date.parse(row.lastAccessed));
    const touched = await store.worktrees.touch(row.id);
    assert.ok(touched.lastAccessed > row.lastAccessed);
    assert.equal((await store.events.list(0, 10)).at(-1)?.name, "worktree.switched");
  });

  it("are settled once, and the event says whether they ever were", async (t) => {
    const { store, repositoryId } = await registry(t);
    const failed = await store.worktrees.begin(worktree(repositoryId, "failed"), intention);
    const made = await store.worktrees.begin(worktree(repositoryId, "made"), intention);
    await store.worktrees.ready(made.id, { head: null, identity: null });
    const last = await store.events.last();
    for (const { id } of [failed, made, failed, made]) await store.worktrees.settle(id, "because");
    const told = await store.events.list(last, 10);
    assert.deepEqual(names(told), ["worktree.create-failed", "worktree.removed"]);
    assert.equal(told[0]?.data["reason"], "because");
    assert.deepEqual(await store.worktrees.of(repositoryId), []);
  });
});

describe("the event log", () => {
  const event = (number: number) =>
    ({ name: "sync.applied", repositoryId: null, subject: "s", data: { number } }) as const;

  it("lists in order after a place", async (t) => {
    const { store } = await registry(t);
    const appended = await store.events.append(event(1));
    await store.events.append(event(2));
    assert.deepEqual((await store.events.list(1, 1))[0], appended);
    assert.deepEqual(
      (await store.events.list(1, 10)).map(({ data }) => data["number"]),
      [1, 2],
    );
    assert.equal(await store.events.last(), 3);
  });

  it("is followed from a place: first what was there, then what comes", async (t) => {
    const { store } = await registry(t);
    for (let number = 0; number < 1200; number += 1) await store.events.append(event(number));
    const seen: number[] = [];
    const stop = store.events.follow(1, (events) => void seen.push(...events.map(({ seq }) => seq)));
    await until(() => seen.length === 1200);
    await store.events.append(event(1200));
    await until(() => seen.length === 1201);
    assert.deepEqual(
      seen,
      Array.from({ length: 1201 }, (_, index) => index + 2),
    );
    stop();
    await store.events.append(event(1201));
    assert.equal(seen.length, 1201);
  });

  it("calls a receiver that threw again with the same events, and none in between", async (t) => {
    const { store } = await registry(t);
    const calls: number[][] = [];
    let fails = 2;
    t.after(
      store.events.follow(0, async (events) => {
        calls.push(events.map(({ seq }) => seq));
        await Promise.resolve();
        if (fails-- > 0) throw new Error("not now");
      }),
    );
    await until(() => calls.length === 3);
    await store.events.append(event(1));
    await until(() => calls.length === 4);
    assert.deepEqual(calls, [[1], [1], [1], [2]]);
  });

  it("tells whoever follows it anew what came while nobody did", { timeout: 60_000 }, async (t) => {
    const { store, file } = await registry(t);
    const other = await open(t, file);
    for (const expected of [[], [2], [2, 3]]) {
      const seen: number[] = [];
      const stop = store.events.follow(1, (events) => void seen.push(...events.map(({ seq }) => seq)));
      await until(() => seen.length === expected.length);
      assert.deepEqual(seen, expected);
      stop();
      await other.events.append(event(expected.length));
    }
  });

  it("tells followers of another connection of the same process", async (t) => {
    const { store, file } = await registry(t);
    const other = await open(t, file);
    const seen: number[] = [];
    t.after(other.events.follow(1, (events) => void seen.push(...events.map(({ seq }) => seq))));
    await store.events.append(event(1));
    await until(() => seen.length === 1);
  });
});

describe("leases", () => {
  it("exclude within one process, too", async (t) => {
    const { store } = await registry(t);
    const lease = await store.leases.take("thing", { purpose: "first", waitMs: 0 });
    assert.equal(lease.fence, 1);
    assert.equal(await store.leases.tryTake("thing", "second"), null);
    await assert.rejects(store.leases.take("thing", { purpose: "second", waitMs: 20 }), {
      code: "repository/busy",
      message: new RegExp(`Process ${process.pid} .* since \\d{4}-.*: first\\.`, "u"),
    });
    const holder = await store.leases.holder("thing");
    assert.equal(holder?.pid, process.pid);
    assert.equal(holder.purpose, "first");
    await lease.guard();
    const next = store.leases.take("thing", { purpose: "second", waitMs: 60_000 });
    await lease.release();
    assert.equal((await next).fence, 2);
  });

  it("are free after release, and the fence goes on growing", async (t) => {
    const { store } = await registry(t);
    for (const fence of [1, 2, 3]) {
      const lease = await store.leases.take("thing", { purpose: "p", waitMs: 0 });
      assert.equal(lease.fence, fence);
      await lease.release();
      await lease.release();
      assert.equal(await store.leases.holder("thing"), null);
      await assert.rejects(lease.guard(), { code: "lease/lost" });
    }
  });

  it("end a wait that is cancelled", async (t) => {
    const { store } = await registry(t);
    await store.leases.take("thing", { purpose: "p", waitMs: 0 });
    const waiting = store.leases.take("thing", { purpose: "p", waitMs: 60_000, signal: AbortSignal.timeout(20) });
    await assert.rejects(waiting, { code: "operation/cancelled" });
  });

  it("given back by closing abort what was done under them", async (t) => {
    const { store, file } = await registry(t);
    const other = await open(t, file);
    const lease = await store.leases.take("thing", { purpose: "p", waitMs: 0 });
    store.close();
    assert.equal(lease.lost.aborted, true);
    assert.equal((await other.leases.tryTake("thing", "p"))?.fence, 2);
  });
});

describe("backups", () => {
  it("are whole registries of which the newest three are kept", async (t) => {
    const { store, file } = await registry(t);
    const made: string[] = [];
    for (let round = 0; round < 4; round += 1) made.push(await store.backup());
    assert.deepEqual(
      readdirSync(path.join(path.dirname(file), "backups")).toSorted(),
      made.slice(1).map((each) => path.basename(each)),
    );
    const restored = await open(t, made[3] ?? "");
    assert.deepEqual(await restored.repositories.all(), await store.repositories.all());
    assert.equal(statSync(made[3] ?? "").mode & 0o777, 0o600);
  });

  it("are called off by a signal and leave nothing behind", async (t) => {
    const { store, file } = await registry(t);
    await assert.rejects(store.backup(AbortSignal.abort()), { code: "operation/cancelled" });
    mkdirSync(path.join(path.dirname(file), "backups"), { recursive: true });
    assert.deepEqual(readdirSync(path.join(path.dirname(file), "backups")), []);
  });

  it("are due once a day, and never for an empty registry", async (t) => {
    const { store, file, repositoryId } = await registry(t);
    const engine = await loadEngine({ nativeBinding: undefined, log: () => {} });
    const database = new Database(engine, file, connect(engine, file), () => {});
    t.after(() => database.close());
    const due = () =>
      backUpIfDue(
        database,
        createLeases(database, () => {}),
        () => store.backup(),
      );
    assert.equal(await due(), null);
    await store.worktrees.begin(worktree(repositoryId, "auth"), intention);
    assert.notEqual(await due(), null);
    assert.equal(await due(), null);
  });
});

describe("small parts", () => {
  it("make ids that sort by time of making", () => {
    const ids = Array.from({ length: 10_000 }, uuidv7);
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
    assert.match(ids[0] ?? "", /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/u);
  });

  it("know network file systems by their number", () => {
    assert.equal(networkFileSystem(0x6969), "NFS");
    assert.equal(networkFileSystem(0xff534d42 | 0), "SMB");
    assert.equal(networkFileSystem(0x65735546), "FUSE");
    assert.equal(networkFileSystem(0xef53), null);
  });

  it("compare versions by number", () => {
    assert.equal(isOlder("3.51.2", "3.51.3"), true);
    assert.equal(isOlder("3.9.0", "3.51.3"), true);
    assert.equal(isOlder("3.51.3", "3.51.3"), false);
    assert.equal(isOlder("3.100.0", "3.51.3"), false);
  });

  it("sweep what a killed creation left, and nothing else", async (t) => {
    const file = registryIn(temporaryFolder(t));
    mkdirSync(path.dirname(file), { recursive: true });
    const ended = `${file}.new-${2 ** 22 + 1}-a`;
    const living = `${file}.new-${process.pid}-a`;
    for (const left of [ended, living]) {
      writeFileSync(left, "");
      utimesSync(left, 0, 0);
    }
    const { openStore } = await import("../../server/src/store/index.ts");
    const store = await openStore({ path: file, role: "server" });
    store.close();
    const remaining = readdirSync(path.dirname(file));
    assert.equal(remaining.includes(path.basename(ended)), false);
    assert.equal(remaining.includes(path.basename(living)), true);
  });
});
