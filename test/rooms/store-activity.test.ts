import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import Sqlite from "better-sqlite3";
import type { SameFile, Touched } from "../../protocol/activity.ts";
import { ImiError } from "../../protocol/errors.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { ActivityQuery, Lease, Seen, Store, WorktreeRow } from "../../server/src/store/index.ts";
import { claimed, counts, look, modified, said } from "../support/activity.ts";
import {
  Process,
  intention,
  open,
  registry,
  registryIn,
  repository,
  temporaryFolder,
  worktree,
} from "./store-helpers.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

interface Scene {
  readonly store: Store;
  readonly file: string;
  readonly repositoryId: string;
  readonly lease: Lease;
  readonly make: (name: string) => Promise<WorktreeRow>;
  readonly record: (row: WorktreeRow, found: Parameters<typeof look>[1]) => ReturnType<Store["activities"]["record"]>;
  /** In lines, newest first; of file changes alone. */
  readonly changes: (query?: Partial<ActivityQuery>) => Promise<string[]>;
  readonly list: (query?: Partial<ActivityQuery>) => Promise<string[]>;
}

const sceneIn = async (t: TestContext): Promise<Scene> => {
  const { store, file, repositoryId } = await registry(t);
  const lease = await store.leases.take("watch", { purpose: "record", waitMs: 1000 });
  const list = async (query: Partial<ActivityQuery> = {}): Promise<string[]> =>
    said(await store.activities.list({ repositoryId, limit: 1000, ...query }));
  return {
    ...{ store, file, repositoryId, lease, list },
    changes: (query = {}) => list({ type: "file_change", ...query }),
    make: async (name) => {
      const { id } = await store.worktrees.begin(worktree(repositoryId, name), intention);
      return store.worktrees.ready(id, { head: "c0ffee", identity: { gitId: name, device: "1", inode: "2" } });
    },
    record: (row, found) => store.activities.record(look(row, found), lease, { attribute: true }),
  };
};

/** From here on it is as late as is said, and no later. */
const clockIn = (t: TestContext): { readonly pass: (ms: number) => void } => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  return { pass: (ms) => t.mock.timers.setTime(Date.now() + ms) };
};

describe("a recorded look", () => {
  it("keeps each file, in the name of who holds the worktree then, and tells them together", async (t) => {
    const { store, make, record, changes } = await sceneIn(t);
    const row = await make("feat-x");
    await record(row, { files: modified("nobody.ts") });
    const { token } = await claimed(store, row, "ada");
    const files = Array.from({ length: 30 }, (_, index) => ({ path: `src/${index}.ts`, change: "added" as const }));
    const events = await record(row, { files, now: { status: counts(30) } });
    await store.claims.release(row.id, { agent: "ada", token });
    await record(row, { files: modified("after.ts") });
    assert.deepEqual(
      events.map(({ name, subject, data }) => [name, subject, data["agent"]]),
      [["worktree.touched", row.id, "ada"]],
    );
    const [told] = events.map(({ data }) => data as unknown as Touched);
    assert.equal(told?.files.length, 20);
    assert.equal(told.more, 10);
    assert.deepEqual(told.files[0], files[0]);
    assert.deepEqual(told.status, counts(30));
    const lines = await changes();
    assert.equal(lines.length, 32);
    assert.equal(lines[0], "file_change feat-x after.ts");
    assert.equal(lines[1], "file_change feat-x by ada src/29.ts");
    assert.equal(lines[31], "file_change feat-x nobody.ts");
    const [last] = await store.activities.list({
      repositoryId: row.repositoryId,
      limit: 1,
      agent: "ada",
      type: "file_change",
    });
    assert.deepEqual(last?.details, { change: "added" });
  });

  it("keeps a commit and a switch with what there is to know of them", async (t) => {
    const { store, repositoryId, make, record, list } = await sceneIn(t);
    const row = await make("feat-x");
    const commit = { from: "c0ffee", subject: "Say hello", commits: 1, dropped: 0 };
    const events = await record(row, { commit, now: { head: "beef", status: { ...counts(), ahead: 1 } } });
    await record(row, { switched: { from: "feat/feat-x", to: "other" }, now: { head: "beef", branch: "other" } });
    assert.deepEqual(
      events.map(({ name }) => name),
      ["worktree.commit"],
    );
    const { branch } = row;
    const status = { ...counts(), ahead: 1 };
    assert.deepEqual(events[0]?.data, { name: "feat-x", agent: null, branch, head: "beef", ...commit, status });
    assert.deepEqual(await list({ limit: 2 }), ["switch feat-x", "commit feat-x"]);
    const [switched, committed] = await store.activities.list({ repositoryId, limit: 2 });
    assert.deepEqual(switched?.details, { from: "feat/feat-x", to: "other" });
    assert.deepEqual(committed?.details, { branch, head: "beef", ...commit });
  });

  it("counts the files beside those that it names", async (t) => {
    const { store, repositoryId, make, record } = await sceneIn(t);
    const [event] = await record(await make("feat-x"), { files: modified("a", "b"), more: 7 });
    assert.equal((event?.data as unknown as Touched | undefined)?.more, 7);
    const [rest, named] = await store.activities.list({ repositoryId, limit: 2 });
    assert.deepEqual([rest?.file, rest?.details], [null, { more: 7 }]);
    assert.equal(named?.file, "b");
  });

  it("is what is told from now on; the first writes no more than that", async (t) => {
    const { store, repositoryId, make, record } = await sceneIn(t);
    const row = await make("feat-x");
    const before = await store.events.last();
    assert.deepEqual(await record(row, { now: { status: counts(2), files: null } }), []);
    assert.equal(await store.events.last(), before);
    const told = (await store.activities.told(repositoryId)).get(row.id);
    assert.ok(told);
    const { asOf, ...facts } = told;
    assert.deepEqual(facts, {
      ...{ worktreeId: row.id, head: "c0ffee", branch: row.branch, status: counts(2), files: null, changedAt: null },
    });
    assert.ok(asOf <= Date.now());
    const files = { "a.ts": { code: " M", print: "1:2:3" } };
    await record(row, { files: modified("a.ts"), now: { status: counts(3), files } });
    const later = (await store.activities.told(repositoryId)).get(row.id);
    assert.deepEqual([later?.files, later?.status], [files, counts(3)]);
    assert.ok((later?.changedAt ?? 0) > 0);
  });

  it("that found nothing new writes nothing; one that found another status tells it", async (t) => {
    const { store, file, repositoryId, make, record, changes } = await sceneIn(t);
    const row = await make("feat-x");
    await record(row, { files: modified("a.ts"), now: { status: counts(1) } });
    const { changedAt } = (await store.activities.told(repositoryId)).get(row.id) ?? {};
    const other = new Sqlite(file, { readonly: true });
    t.after(() => other.close());
    const version = (): unknown => other.pragma("data_version");
    const before = version();
    assert.deepEqual(await record(row, { now: { status: counts(1) } }), []);
    assert.deepEqual(version(), before);
    const [event] = await record(row, { now: { status: { ...counts(), staged: 1 } } });
    assert.deepEqual(event?.data, {
      ...{ name: "feat-x", agent: null, files: [], more: 0, status: { ...counts(), staged: 1 } },
    });
    assert.equal((await changes()).length, 1);
    assert.equal((await store.activities.told(repositoryId)).get(row.id)?.changedAt, changedAt);
  });

  it("of a worktree that is gone writes nothing", async (t) => {
    const { store, repositoryId, make, record, changes } = await sceneIn(t);
    const row = await make("feat-x");
    await store.worktrees.settle(row.id, "its folder is gone");
    const before = await store.events.last();
    assert.deepEqual(await record(row, { files: modified("a.ts") }), []);
    assert.deepEqual([await store.events.last(), await changes()], [before, []]);
    assert.equal((await store.activities.told(repositoryId)).size, 0);
  });

  it("writes nothing once another process watches", async (t) => {
    const { file, make, record, changes, lease } = await sceneIn(t);
    const row = await make("feat-x");
    const other = new Sqlite(file);
    other.prepare("UPDATE leases SET fence = fence + 1 WHERE resource = ?").run(lease.resource);
    other.close();
    await assert.rejects(record(row, { files: modified("a.ts") }), (error) => ImiError.is(error, "lease/lost"));
    assert.deepEqual(await changes(), []);
  });

  it("names no agent where agents are not to be recorded", async (t) => {
    const file = registryIn(temporaryFolder(t));
    const store = await openStore({ path: file, role: "cli", attribute: () => false });
    t.after(() => store.close());
    const { id: repositoryId } = await store.repositories.meet(repository);
    const { id } = await store.worktrees.begin(worktree(repositoryId, "feat-x"), intention);
    const row = await store.worktrees.ready(id, { head: null, identity: null });
    const lease = await store.leases.take("watch", { purpose: "record", waitMs: 1000 });
    const { token } = await claimed(store, row, "ada");
    await store.activities.record(look(row, { files: modified("a.ts") }), lease, { attribute: false });
    await store.claims.release(row.id, { agent: "ada", token });
    const activities = await store.activities.list({ repositoryId, limit: 10 });
    assert.deepEqual(said(activities), [
      "agent_released feat-x",
      "file_change feat-x a.ts",
      "agent_claimed feat-x",
      "worktree_created feat-x",
    ]);
    assert.doesNotMatch(JSON.stringify(activities), /ada/u);
  });
});

describe("the same file", () => {
  const conflicts = (events: Awaited<ReturnType<Scene["record"]>>): SameFile[] =>
    events.flatMap(({ name, data }) => (name === "conflict.detected" ? [data as unknown as SameFile] : []));
  const who = (found: readonly SameFile[]): string[] =>
    found.map(
      ({ file, agents }) => `${file}: ${agents.map(({ agent, worktree: at }) => `${agent} in ${at}`).join(", ")}`,
    );

  it("changed by two agents within a minute in two worktrees is a conflict, told once in that minute", async (t) => {
    const { store, make, record } = await sceneIn(t);
    const { pass } = clockIn(t);
    const [one, two] = [await make("feat-one"), await make("feat-two")];
    await claimed(store, one, "ada");
    await claimed(store, two, "bob");
    assert.deepEqual(conflicts(await record(one, { files: modified("a.ts", "own.ts") })), []);
    pass(59_000);
    const events = await record(two, { files: modified("b.ts", "a.ts") });
    assert.deepEqual(who(conflicts(events)), ["a.ts: bob in feat-two, ada in feat-one"]);
    assert.equal(events.at(-1)?.subject, two.id);
    pass(1000);
    assert.deepEqual(conflicts(await record(one, { files: modified("a.ts") })), []);
    pass(minute);
    assert.deepEqual(who(conflicts(await record(two, { files: modified("a.ts") }))), [
      "a.ts: bob in feat-two, ada in feat-one",
    ]);
  });

  it("changed later than that is none, nor by the same agent, nor by nobody", async (t) => {
    const { store, make, record } = await sceneIn(t);
    const { pass } = clockIn(t);
    const [one, two, free] = [await make("feat-one"), await make("feat-two"), await make("feat-free")];
    await claimed(store, one, "ada");
    await claimed(store, two, "ada");
    await record(one, { files: modified("a.ts") });
    assert.deepEqual(conflicts(await record(two, { files: modified("a.ts") })), []);
    assert.deepEqual(conflicts(await record(free, { files: modified("a.ts") })), []);
    const other = await make("feat-other");
    await claimed(store, other, "bob");
    pass(minute + 1);
    assert.deepEqual(conflicts(await record(other, { files: modified("a.ts") })), []);
  });

  it("changed in the same worktree under an earlier claim is one as well", async (t) => {
    const { store, make, record } = await sceneIn(t);
    const row = await make("feat-x");
    const { token } = await claimed(store, row, "ada");
    await record(row, { files: modified("a.ts") });
    await store.claims.release(row.id, { agent: "ada", token });
    await claimed(store, row, "bob");
    assert.deepEqual(who(conflicts(await record(row, { files: modified("a.ts") }))), [
      "a.ts: bob in feat-x, ada in feat-x",
    ]);
  });

  it("of three is told of the third as well, the latest first", async (t) => {
    const { store, make, record } = await sceneIn(t);
    const { pass } = clockIn(t);
    const told: string[] = [];
    for (const agent of ["ada", "bob", "cyd"]) {
      const row = await make(`feat-${agent}`);
      await claimed(store, row, agent);
      told.push(...who(conflicts(await record(row, { files: modified("a.ts") }))));
      pass(5000);
    }
    assert.deepEqual(told, [
      "a.ts: bob in feat-bob, ada in feat-ada",
      "a.ts: cyd in feat-cyd, bob in feat-bob, ada in feat-ada",
    ]);
  });

  it("many of them at once are told by the first twenty, with how many more there are", async (t) => {
    const { store, make, record } = await sceneIn(t);
    const [one, two] = [await make("feat-one"), await make("feat-two")];
    await claimed(store, one, "ada");
    await claimed(store, two, "bob");
    const files = modified(...Array.from({ length: 300 }, (_, index) => `src/${index}.ts`));
    await record(one, { files });
    const found = conflicts(await record(two, { files }));
    assert.deepEqual([found.length, found[0]?.more, found[1]?.more], [20, 280, undefined]);
    assert.deepEqual([found[0]?.file, found[19]?.file], ["src/0.ts", "src/19.ts"]);
  });

  it("is none between repositories", async (t) => {
    const { store, make, record, lease } = await sceneIn(t);
    const row = await make("feat-x");
    await claimed(store, row, "ada");
    await record(row, { files: modified("a.ts") });
    const { id: elsewhere } = await store.repositories.meet({ ...repository, gitDir: "/other/.git" });
    const { id } = await store.worktrees.begin({ ...worktree(elsewhere, "feat-x"), path: "/other.wt/x" }, intention);
    const other = await store.worktrees.ready(id, { head: null, identity: null });
    await claimed(store, other, "bob");
    const events = await store.activities.record(look(other, { files: modified("a.ts") }), lease, { attribute: true });
    assert.deepEqual(conflicts(events), []);
  });
});

describe("claims and worktrees", () => {
  it("leave their own activities: made, held, let go with the reason, removed, restored; renewals leave none", async (t) => {
    const { store, repositoryId, make, list } = await sceneIn(t);
    const row = await make("feat-x");
    const { token } = await claimed(store, row, "ada");
    await store.claims.renew(row.id, { agent: "ada", token }, { ttlMs: null, task: null, process: null, sign: null });
    await store.claims.release(row.id, { agent: "ada", token });
    await claimed(store, row, "bob");
    await store.worktrees.settle(row.id, "its folder is gone");
    assert.deepEqual(await list(), [
      "worktree_removed feat-x",
      "agent_released feat-x by bob",
      "agent_claimed feat-x by bob",
      "agent_released feat-x by ada",
      "agent_claimed feat-x by ada",
      "worktree_created feat-x",
    ]);
    const details = (await store.activities.list({ repositoryId, limit: 10 })).map((each) => each.details);
    assert.deepEqual(details[0], { reason: "its folder is gone" });
    assert.deepEqual(details[1], { reason: "removed" });
    assert.deepEqual(details[3], { reason: "released" });
  });

  it("of a worktree that another tool made say so, and of the trunk nothing", async (t) => {
    const { store, repositoryId, list } = await sceneIn(t);
    const facts = { identity: null, lockReason: null, state: "ready" } as const;
    await store.worktrees.adopt({ ...worktree(repositoryId, "trunk-main"), type: "trunk", ...facts });
    await store.worktrees.adopt({ ...worktree(repositoryId, "feat-x"), ...facts });
    assert.deepEqual(await list(), ["worktree_created feat-x"]);
    const [made] = await store.activities.list({ repositoryId, limit: 1 });
    assert.equal(made?.details["adopted"], true);
  });

  it("are undone with the transaction that they are in", async (t) => {
    const { store, repositoryId, make, list } = await sceneIn(t);
    const row = await make("feat-x");
    await claimed(store, row, "ada");
    const before = await list();
    await assert.rejects(claimed(store, row, "bob"));
    await assert.rejects(store.worktrees.begin(worktree(repositoryId, "feat-x"), intention));
    assert.deepEqual(await list(), before);
  });
});

describe("the list", () => {
  it("answers by worktree, agent, type, file, folder and time, alone and together", async (t) => {
    const { store, make, record, changes, list } = await sceneIn(t);
    const { pass } = clockIn(t);
    const start = Date.now();
    const [one, two] = [await make("feat-one"), await make("feat-two")];
    await claimed(store, one, "ada");
    await record(one, { files: modified("src/a.ts", "src/deep/b.ts", "srcs/c.ts") });
    pass(10 * minute);
    await record(two, { files: modified("src/a.ts", "src") });
    await record(one, { commit: { from: null, subject: null, commits: 1, dropped: 0 } });
    const of = (row: WorktreeRow) => ({ worktree: { id: row.id, name: row.name } });
    assert.deepEqual(await list(of(two)), [
      "file_change feat-two src",
      "file_change feat-two src/a.ts",
      "worktree_created feat-two",
    ]);
    assert.deepEqual(await list({ type: "commit" }), ["commit feat-one by ada"]);
    assert.deepEqual(await list({ type: "switch" }), []);
    assert.deepEqual(await list({ agent: "ada", type: "agent_claimed" }), ["agent_claimed feat-one by ada"]);
    assert.deepEqual(await list({ agent: "nobody" }), []);
    assert.deepEqual(await list({ file: "src/a.ts" }), [
      "file_change feat-two src/a.ts",
      "file_change feat-one by ada src/a.ts",
    ]);
    assert.deepEqual(await list({ file: "src" }), [
      "file_change feat-two src",
      "file_change feat-two src/a.ts",
      "file_change feat-one by ada src/deep/b.ts",
      "file_change feat-one by ada src/a.ts",
    ]);
    assert.deepEqual(await list({ file: "src", ...of(one) }), [
      "file_change feat-one by ada src/deep/b.ts",
      "file_change feat-one by ada src/a.ts",
    ]);
    assert.deepEqual(await list({ file: "src", agent: "ada", since: start + minute }), []);
    assert.deepEqual(await list({ file: "src", type: "commit" }), []);
    assert.deepEqual(await changes({ since: start + minute }), [
      "file_change feat-two src",
      "file_change feat-two src/a.ts",
    ]);
    assert.equal((await list({ since: start })).length, 9);
    assert.deepEqual(await list({ since: start + day }), []);
    assert.deepEqual(await list({ repositoryId: "another" }), []);
  });

  it("goes on before a place without a gap or a repetition, whatever it is asked for", async (t) => {
    const { store, repositoryId, make, record } = await sceneIn(t);
    const { pass } = clockIn(t);
    const rows = await Promise.all(["a", "b", "c", "d"].map((name) => make(`feat-${name}`)));
    for (let number = 0; number < 240; number += 1) {
      const row = rows[(number * number) % rows.length];
      assert.ok(row);
      if (number === 40) await claimed(store, row, "ada");
      await record(row, { files: modified(`src/${number % 30}.ts`, `doc/${number % 7}.md`) });
      pass(number % 3);
    }
    const [first] = rows;
    assert.ok(first);
    const queries: readonly Partial<ActivityQuery>[] = [
      {},
      { file: "src" },
      { file: "doc/3.md" },
      { type: "file_change" },
      { agent: "ada" },
      { agent: "ada", file: "src" },
      { worktree: { id: first.id, name: first.name } },
      { worktree: { id: first.id, name: first.name }, file: "src" },
    ];
    for (const query of queries) {
      const all = await store.activities.list({ repositoryId, limit: 1000, ...query });
      const ids = all.map(({ id }) => id);
      assert.ok(ids.length > 6, JSON.stringify(query));
      assert.deepEqual(
        ids,
        [...new Set(ids)].toSorted((one, other) => other - one),
      );
      const paged: number[] = [];
      for (let before: number | undefined; paged.length < ids.length; before = paged.at(-1)) {
        const page = await store.activities.list({ repositoryId, limit: 7, before, ...query });
        assert.ok(page.length > 0, `${JSON.stringify(query)} ends after ${paged.length} of ${ids.length}`);
        paged.push(...page.map(({ id }) => id));
      }
      assert.deepEqual(paged, ids, JSON.stringify(query));
    }
  });

  it("finds a worktree under the names it had, and those that are gone by name", async (t) => {
    const { store, repositoryId, make, record, changes } = await sceneIn(t);
    const gone = await make("feat-x");
    await record(gone, { files: modified("first.ts") });
    await store.worktrees.settle(gone.id, "removed");
    const row = await make("feat-x");
    await record(row, { files: modified("second.ts") });
    const renamed = await store.worktrees.update(row.id, { name: "feat-y", path: "/app.wt/feat-y" });
    await record(renamed, { files: modified("third.ts") });
    assert.deepEqual(await changes({ worktree: { id: row.id, name: "feat-y" } }), [
      "file_change feat-y third.ts",
      "file_change feat-x second.ts",
    ]);
    assert.deepEqual(await changes({ worktree: { id: null, name: "feat-x" } }), [
      "file_change feat-x second.ts",
      "file_change feat-x first.ts",
    ]);
    assert.deepEqual(await store.activities.names(repositoryId), ["feat-y", "feat-x"]);
  });

  it("keeps other repositories' activities out, however many there are between", async (t) => {
    const { store, lease, make, record, changes } = await sceneIn(t);
    const row = await make("feat-x");
    await record(row, { files: modified("mine.ts") });
    const { id: elsewhere } = await store.repositories.meet({ ...repository, gitDir: "/other/.git" });
    const { id } = await store.worktrees.begin({ ...worktree(elsewhere, "feat-z"), path: "/other.wt/z" }, intention);
    const other = await store.worktrees.ready(id, { head: null, identity: null });
    const files = modified(...Array.from({ length: 900 }, (_, index) => `${index}.ts`), "mine.ts");
    for (let round = 0; round < 3; round += 1)
      await store.activities.record(look(other, { files }), lease, { attribute: true });
    assert.deepEqual(await changes(), ["file_change feat-x mine.ts"]);
    assert.deepEqual(await changes({ file: "mine.ts" }), ["file_change feat-x mine.ts"]);
  });

  it("is right where the clock was set back", async (t) => {
    const { make, record, changes } = await sceneIn(t);
    const { pass } = clockIn(t);
    const row = await make("feat-x");
    await record(row, { files: modified("before.ts") });
    pass(-60 * minute);
    const since = Date.now();
    await record(row, { files: modified("after.ts") });
    assert.deepEqual(await changes(), ["file_change feat-x after.ts", "file_change feat-x before.ts"]);
    assert.deepEqual(await changes({ since }), ["file_change feat-x after.ts", "file_change feat-x before.ts"]);
    assert.deepEqual(await changes({ since: since + minute }), ["file_change feat-x before.ts"]);
  });

  it("takes paths as they are", async (t) => {
    const { make, record, changes } = await sceneIn(t);
    const row = await make("feat-x");
    const odd = ["ä ö.ts", 'quo"te', "back\\slash", "new\nline", "%", "_", "emoji-🦊", "it's"];
    await record(row, { files: modified(...odd) });
    for (const path of odd) assert.deepEqual(await changes({ file: path }), [`file_change feat-x ${path}`]);
  });
});

describe("who was there lately", () => {
  it("is told by worktree, the latest first", async (t) => {
    const { store, repositoryId, make, record } = await sceneIn(t);
    const { pass } = clockIn(t);
    const [one, two] = [await make("feat-one"), await make("feat-two")];
    const start = Date.now();
    for (const agent of ["ada", "bob"]) {
      const { token } = await claimed(store, one, agent);
      pass(1000);
      await record(one, { files: modified("a.ts") });
      await store.claims.release(one.id, { agent, token });
    }
    await record(two, { files: modified("a.ts") });
    const recent = await store.activities.recentAgents(repositoryId, start);
    assert.deepEqual(
      [...recent].map(([id, agents]) => [id, agents.map(({ agent, at }) => [agent, Date.parse(at) - start])]),
      [
        [
          one.id,
          [
            ["bob", 2000],
            ["ada", 1000],
          ],
        ],
      ],
    );
    assert.equal((await store.activities.recentAgents(repositoryId, start + day)).size, 0);
  });
});

describe("retention", () => {
  const tables = (file: string): Record<string, number> => {
    const database = new Sqlite(file, { readonly: true });
    const count = (table: string): number =>
      (database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
    const counted = {
      rows: count("activity_rows"),
      streams: count("activity_streams"),
      files: count("activity_files"),
    };
    database.close();
    return counted;
  };

  it("takes what is older, so many at once, with worktree.touched of that time, and no other event", async (t) => {
    const { store, file, make, record, changes } = await sceneIn(t);
    const { pass } = clockIn(t);
    const row = await make("feat-x");
    for (let number = 0; number < 5; number += 1) await record(row, { files: modified(`old-${number}.ts`, "both.ts") });
    pass(31 * day);
    await record(row, { files: modified("both.ts", "new.ts") });
    const before = Date.now() - 30 * day;
    const names = async (): Promise<string[]> => (await store.events.list(0, 1000)).map(({ name }) => name);
    const others = (await names()).filter((name) => name !== "worktree.touched");
    assert.equal(await store.activities.trim(before, 4), 8);
    assert.equal((await names()).filter((name) => name === "worktree.touched").length, 2);
    let deleted = 0;
    for (let count = -1; count !== 0; deleted += count) count = await store.activities.trim(before, 4);
    assert.equal(deleted, 8); // eight of 11 rows were left, and one event
    assert.deepEqual(await changes(), ["file_change feat-x new.ts", "file_change feat-x both.ts"]);
    assert.deepEqual(
      (await names()).filter((name) => name !== "worktree.touched"),
      others,
    );
    assert.deepEqual(tables(file), { rows: 2, streams: 1, files: 2 });
    assert.equal(await store.activities.trim(before, 4), 0);
  });

  it("also takes what is older where the clock was ahead once", async (t) => {
    const { store, make, record, changes } = await sceneIn(t);
    const { pass } = clockIn(t);
    const row = await make("feat-x");
    pass(1000 * day);
    await record(row, { files: modified("of the future.ts") });
    pass(-1000 * day);
    await record(row, { files: modified("old.ts") });
    pass(31 * day);
    await record(row, { files: modified("new.ts") });
    while ((await store.activities.trim(Date.now() - 30 * day, 10)) > 0);
    assert.deepEqual(await changes(), ["file_change feat-x new.ts", "file_change feat-x of the future.ts"]);
  });
});

it("whoever is killed while recording leaves whole looks: rows, status and event, or none", async (t) => {
  const { file, store, repositoryId, make, lease } = await sceneIn(t);
  const row = await make("x");
  await lease.release(); // it is each child's in turn
  for (let round = 0; round < 5; round += 1) {
    const child = new Process(t, ["record", file, row.id]);
    for (let answers = 0; answers <= round * 3; answers += 1) assert.ok("number" in (await child.next()));
    await child.kill();
    const told = (await store.activities.told(repositoryId)).get(row.id);
    const events = (await store.events.list(0, 10_000)).filter(({ name }) => name === "worktree.touched");
    const last = events.at(-1)?.data as unknown as Touched | undefined;
    const newest = (await store.activities.list({ repositoryId, limit: 200 })).map((each) => each.file);
    const looks = new Set(newest.map((path) => path?.split("/")[0]));
    assert.deepEqual([...looks], [told?.head?.replace("head-", "look-")]);
    assert.equal(last?.files[0]?.path, newest.at(-1));
    const rows = new Sqlite(file, { readonly: true });
    const { n } = rows.prepare("SELECT count(*) AS n FROM activities WHERE activity_type = 'file_change'").get() as {
      n: number;
    };
    rows.close();
    assert.equal(n, events.length * 200);
  }
});

it("who reads seed 002's table finds it", async (t) => {
  const { store, file, make, record } = await sceneIn(t);
  const row = await make("feat-x");
  await claimed(store, row, "ada");
  await record(row, { files: modified("a.ts") });
  const database = new Sqlite(file, { readonly: true });
  t.after(() => database.close());
  const rows = database
    .prepare("SELECT worktree_id, agent_id, activity_type, file, details FROM activities ORDER BY timestamp, id")
    .all();
  assert.deepEqual(rows.at(-1), {
    ...{
      worktree_id: row.id,
      agent_id: "ada",
      activity_type: "file_change",
      file: "a.ts",
      details: '{"change":"modified"}',
    },
  });
  assert.equal(rows.length, 3);
});

it("a second process sees what one records", async (t) => {
  const { file, repositoryId, make, record } = await sceneIn(t);
  const row = await make("feat-x");
  const other = await open(t, file);
  const seen: Seen = look(row, { files: modified("a.ts") });
  await record(row, seen);
  assert.deepEqual(said(await other.activities.list({ repositoryId, limit: 1 })), ["file_change feat-x a.ts"]);
});
